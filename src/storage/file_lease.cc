#include "storage/file_lease.h"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <charconv>

#include "storage/file_descriptor.h"
#include "storage/file_error.h"
#include "storage/file_owner.h"
#include "storage/file_record.h"

namespace gatehouse::storage {

namespace {

namespace fs = std::filesystem;

// Gives the lease back off the loop: the file goes first, while it is still locked, so that no two
// descriptors are ever locked for one name.
class FileHold : public Lease::Hold {
 public:
  FileHold(fs::path file, FileDescriptor fd, base::BlockingPool& pool)
      : file_(std::move(file)), fd_(std::move(fd)), pool_(pool) {}
  ~FileHold() override {
    pool_.detach([file = std::move(file_), fd = std::move(fd_)] { ::unlink(file.c_str()); });
  }

 private:
  fs::path file_;
  FileDescriptor fd_;
  base::BlockingPool& pool_;
};

// One counter for all leases: it outlives the files of leases, so tokens only grow.
base::Result<std::uint64_t> next_token(const fs::path& folder) {
  const auto file = folder / "token";
  FileDescriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return failed("open", file);
  give_to_owner_of(folder, fd);
  if (!lock_file(fd, /*wait=*/true)) return failed("lock", file);  // held for microseconds
  char text[24] = {};
  const auto size = ::pread(fd.get(), text, sizeof text - 1, 0);
  std::uint64_t token = 0;
  if (size > 0) std::from_chars(text, text + size, token);
  const auto next = std::to_string(token + 1);
  if (::pwrite(fd.get(), next.data(), next.size(), 0) != static_cast<ssize_t>(next.size()) ||
      ::fdatasync(fd.get()) != 0) {
    return failed("write", file);
  }
  return token + 1;
}

}  // namespace

base::Result<Lease> try_lease(const fs::path& folder, const std::string& name,
                              base::BlockingPool& pool) {
  auto made = make_folders(folder);
  if (!made) return base::fail(std::move(made.error()));
  auto flat = name;
  std::replace(flat.begin(), flat.end(), '/', ',');  // "," is in no key
  const auto file = folder / (flat + ".lock");
  FileDescriptor fd(::open(file.c_str(), O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!fd) return failed("open", file);
  give_to_owner_of(folder, fd);
  if (!lock_file(fd, /*wait=*/false)) {
    if (errno != EAGAIN && errno != EACCES) return failed("lock", file);
    return base::fail(base::Code::kOverload, base::Side::kStorage, name + " is leased by another");
  }
  if (!still_at(fd, file)) {  // its last owner has removed it meanwhile
    return base::fail(base::Code::kOverload, base::Side::kStorage, name + " was just given back");
  }
  auto token = next_token(folder);
  if (!token) return base::fail(std::move(token.error()));
  return Lease(*token, std::make_unique<FileHold>(file, std::move(fd), pool));
}

}  // namespace gatehouse::storage
