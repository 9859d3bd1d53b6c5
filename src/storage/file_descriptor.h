// A file descriptor that closes itself.
#pragma once

#include <unistd.h>

#include <filesystem>
#include <utility>

namespace gatehouse::storage {

class FileDescriptor {
 public:
  FileDescriptor() = default;
  explicit FileDescriptor(int fd) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() {
    if (fd_ >= 0) ::close(fd_);
  }
  explicit operator bool() const { return fd_ >= 0; }
  int get() const { return fd_; }

 private:
  int fd_ = -1;
};

// Takes a write lock on the whole file for this descriptor (an open file description lock): freed
// when it is closed, that is by the owner's death at the latest. `wait`: until it is free. False
// when another descriptor holds it, here or in another process.
bool lock_file(const FileDescriptor& file, bool wait);

// Whether `fd` is what stands at `file` now: somebody may have removed or replaced it.
bool still_at(const FileDescriptor& fd, const std::filesystem::path& file);

}  // namespace gatehouse::storage
