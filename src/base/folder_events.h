// That something has happened to the files of some folders, as the kernel tells it (inotify(7)).
// Network file systems and some of FUSE tell nothing: who must know looks now and then as well.
#pragma once

#include <optional>
#include <string>

#include "base/event.h"
#include "base/socket.h"

namespace gatehouse::base {

// On its loop's thread.
class FolderEvents {
 public:
  // Where the process may have no more of these (fs.inotify.max_user_instances), nothing is ever
  // told.
  explicit FolderEvents(Loop& loop);
  FolderEvents(const FolderEvents&) = delete;
  FolderEvents& operator=(const FolderEvents&) = delete;

  // A descriptor of its own, for watch_folder() on another thread; -1 when nothing can be told.
  int duplicate() const;
  // Returns when something has happened in a watched folder since the last forget(). Errors:
  // kTimeout, kCancelled after interrupt().
  Task<Result<void>> wait(Deadline deadline);
  void forget();
  void interrupt();

 private:
  Event interrupted_;  // where there is no descriptor to wait for
  std::optional<Socket> queue_;
};

// Has `events`, a descriptor from duplicate(), tell what happens to the names in `folder` from now
// on; again for the same folder: nothing new. What cannot be watched is not. Looks up a path, so it
// belongs on a BlockingPool.
void watch_folder(int events, const std::string& folder);

}  // namespace gatehouse::base
