#include "base/folder_events.h"

#include <fcntl.h>
#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cstdint>

namespace gatehouse::base {

namespace {

// Whatever a file can be replaced by: written in place, renamed over, linked anew, made readable.
constexpr std::uint32_t kWhatever = IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_CREATE |
                                    IN_DELETE | IN_ATTRIB | IN_DELETE_SELF | IN_MOVE_SELF |
                                    IN_ONLYDIR;

}  // namespace

FolderEvents::FolderEvents(Loop& loop) : interrupted_(loop) {
  const int fd = ::inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
  if (fd >= 0) queue_.emplace(loop, fd);
}

int FolderEvents::duplicate() const {
  return queue_ ? ::fcntl(queue_->native(), F_DUPFD_CLOEXEC, 0) : -1;
}

Task<Result<void>> FolderEvents::wait(Deadline deadline) {
  if (queue_) co_return co_await queue_->wait_readable(deadline);
  auto interrupted = co_await interrupted_.wait(deadline);
  interrupted_.reset();
  if (!interrupted) co_return interrupted;
  co_return fail(Code::kCancelled, "interrupted");
}

void FolderEvents::forget() {
  if (!queue_) return;
  std::array<char, 4096> events;
  while (::read(queue_->native(), events.data(), events.size()) > 0) continue;
  queue_->read_all();
}

void FolderEvents::interrupt() {
  if (queue_) {
    queue_->interrupt();
  } else {
    interrupted_.set();
  }
}

void watch_folder(int events, const std::string& folder) {
  if (events >= 0) (void)::inotify_add_watch(events, folder.c_str(), kWhatever);
}

}  // namespace gatehouse::base
