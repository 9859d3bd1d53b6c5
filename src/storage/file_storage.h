// Storage in files under one folder, which several processes may share:
//   <root>/<key but its last segment>/<two hex digits of its hash>/<last segment>
//   <root>/leases, <root>/damaged, <root>/temporary
// Folders 0700, files 0600.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "storage/storage.h"

namespace gatehouse::storage {

class FileStorage : public Storage {
 public:
  // How often a lease that another holds is tried again.
  static constexpr base::Duration kLeasePoll{100};

  // `loop` and `pool` outlive it. Touches no file yet.
  FileStorage(base::Loop& loop, base::BlockingPool& pool, std::filesystem::path root);

  // Makes the folder, tries that it can be written, and removes what crashes left behind. Blocks:
  // at start. Errors: kIo, kDenied with the folder's name and what to do.
  base::Result<void> open();

  base::Task<base::Result<std::string>> load(std::string key) override;
  base::Task<base::Result<void>> store(std::string key, std::string record) override;
  base::Task<base::Result<void>> remove(std::string key) override;
  base::Task<base::Result<std::string>> set_aside(std::string key) override;
  base::Task<base::Result<std::vector<std::string>>> segments(std::string prefix) override;
  base::Task<base::Result<std::vector<std::string>>> list(std::string prefix, std::string cursor,
                                                          std::size_t most) override;
  base::Task<base::Result<Lease>> lease(std::string name, base::Deadline deadline) override;

  const std::filesystem::path& root() const { return root_; }
  // Where the record of `key` lies.
  std::filesystem::path file_of(std::string_view key) const;

 private:
  base::Loop& loop_;
  base::BlockingPool& pool_;
  std::filesystem::path root_;
};

}  // namespace gatehouse::storage
