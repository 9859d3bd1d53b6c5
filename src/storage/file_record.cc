#include "storage/file_record.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <atomic>
#include <boost/crc.hpp>
#include <cerrno>
#include <charconv>
#include <cstdio>
#include <cstdlib>

#include "storage/file_descriptor.h"
#include "storage/file_error.h"
#include "storage/file_owner.h"
#include "storage/storage.h"

namespace gatehouse::storage {

namespace {

namespace fs = std::filesystem;
using base::Code;
using base::Side;

constexpr std::string_view kMagic = "gatehouse-record 1 ";
constexpr std::size_t kLongestHeader = 64;
constexpr int kDraftTries = 1000;

std::uint32_t checksum(std::string_view bytes) {
  boost::crc_32_type crc;
  crc.process_bytes(bytes.data(), bytes.size());
  return crc.checksum();
}

std::string header_of(std::string_view record) {
  char text[kLongestHeader];
  const int size = std::snprintf(text, sizeof text, "%s%zu %08x\n", kMagic.data(), record.size(),
                                 checksum(record));
  return std::string(text, static_cast<std::size_t>(size));
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno != EINTR) return false;
    if (written > 0) bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

base::Result<std::string> read_all(const fs::path& file) {
  // A pipe that somebody put there must not hold a thread.
  FileDescriptor fd(::open(file.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
  if (!fd) return failed("open", file);
  std::string bytes;
  char piece[16 * 1024];
  for (;;) {
    const auto got = ::read(fd.get(), piece, sizeof piece);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failed("read", file);
    if (got == 0) return bytes;
    bytes.append(piece, static_cast<std::size_t>(got));
    if (bytes.size() > Storage::kLargestRecord + kLongestHeader) {
      return base::fail(Code::kDamaged, Side::kStorage, file.string() + " is too large");
    }
  }
}

// A new file in `temporary`, locked while it is written so that others leave it alone. Between the
// two, another process may take it for a leftover; and one of the same number on another machine or
// in another container may have the name.
FileDescriptor create_temporary(const fs::path& temporary, fs::path* file) {
  static std::atomic<std::uint64_t> counter{0};
  FileDescriptor fd;
  for (int tries = 0; tries < kDraftTries; ++tries) {
    *file = temporary / (std::to_string(::getpid()) + "-" + std::to_string(counter.fetch_add(1)));
    fd = FileDescriptor(::open(file->c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
    if (!fd && errno != EEXIST) break;
    if (!fd) continue;
    const bool taken = !lock_file(fd, false) && (errno == EAGAIN || errno == EACCES);
    if (!taken && still_at(fd, *file)) {
      give_to_owner_of(temporary, fd);
      break;
    }
    fd = FileDescriptor();
  }
  return fd;
}

// Gives a draft its bytes, and the draft's place to what is whole.
base::Result<void> put_in_place(const FileDescriptor& fd, const fs::path& draft,
                                const fs::path& file, std::string_view head, std::string_view bytes,
                                mode_t mode) {
  const bool written = write_all(fd.get(), head) && write_all(fd.get(), bytes) &&
                       ::fchmod(fd.get(), mode) == 0 && ::fsync(fd.get()) == 0 &&
                       ::rename(draft.c_str(), file.c_str()) == 0;
  if (!written) {
    auto error = failed("write", file);
    ::unlink(draft.c_str());
    return error;
  }
  return sync_folder(file.has_parent_path() ? file.parent_path() : fs::path("."));
}

}  // namespace

base::Result<std::string> read_record(const fs::path& file) {
  auto bytes = read_all(file);
  if (!bytes) return bytes;
  const auto damaged = [&file](const char* how) {
    return base::fail(Code::kDamaged, Side::kStorage, file.string() + " is damaged: " + how);
  };
  const auto line_end = bytes->find('\n');
  if (line_end == std::string::npos || !bytes->starts_with(kMagic)) return damaged("no header");
  std::size_t size = 0;
  const char* begin = bytes->data() + kMagic.size();
  const auto parsed = std::from_chars(begin, bytes->data() + line_end, size);
  if (parsed.ec != std::errc() || bytes->size() - line_end - 1 != size) return damaged("cut");
  auto record = bytes->substr(line_end + 1);
  if (bytes->substr(0, line_end + 1) != header_of(record)) return damaged("its checksum differs");
  return record;
}

base::Result<void> write_record(const fs::path& file, const fs::path& temporary,
                                std::string_view record) {
  if (record.size() > Storage::kLargestRecord) {
    return base::fail(Code::kTooLarge, Side::kStorage, file.string() + ": over 1 MiB");
  }
  for (const auto& folder : {file.parent_path(), temporary}) {
    auto made = make_folders(folder);
    if (!made) return made;
  }
  fs::path draft;
  auto fd = create_temporary(temporary, &draft);
  if (!fd) return failed("create", draft);
  return put_in_place(fd, draft, file, header_of(record), record, 0600);
}

base::Result<void> write_whole(const fs::path& file, std::string_view bytes, mode_t mode) {
  std::string draft = file.string() + ".XXXXXX";
  const FileDescriptor fd(::mkostemp(draft.data(), O_CLOEXEC));  // 0600
  if (!fd) return failed("create", draft);
  return put_in_place(fd, draft, file, "", bytes, mode);
}

base::Result<void> make_folders(const fs::path& folder) {
  struct stat info{};
  if (::stat(folder.c_str(), &info) == 0) return {};
  if (folder.has_parent_path() && folder.parent_path() != folder) {
    auto made = make_folders(folder.parent_path());
    if (!made) return made;
  }
  const bool made = ::mkdir(folder.c_str(), 0700) == 0;
  if (!made && errno != EEXIST) return failed("make folder", folder);
  const FileDescriptor fd(
      made ? ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1);
  if (fd) give_to_owner_of(folder.parent_path(), fd);
  return folder.has_parent_path() ? sync_folder(folder.parent_path()) : base::Result<void>();
}

base::Result<void> sync_folder(const fs::path& folder) {
  FileDescriptor fd(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!fd) {
    // A folder above ours that may be passed through but not read cannot be synced by us.
    return errno == EACCES ? base::Result<void>() : failed("open folder", folder);
  }
  if (::fsync(fd.get()) != 0 && errno != EINVAL) return failed("sync folder", folder);
  return {};
}

void remove_leftovers(const fs::path& temporary) {
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(temporary, ignored)) {
    FileDescriptor fd(::open(entry.path().c_str(), O_WRONLY | O_NONBLOCK | O_CLOEXEC));
    if (fd && lock_file(fd, false)) ::unlink(entry.path().c_str());
  }
}

bool lock_file(const FileDescriptor& file, bool wait) {
  struct flock whole{};
  whole.l_type = F_WRLCK;
  whole.l_whence = SEEK_SET;
  int status = 0;
  do {
    status = ::fcntl(file.get(), wait ? F_OFD_SETLKW : F_OFD_SETLK, &whole);
  } while (status != 0 && errno == EINTR);
  return status == 0;
}

bool still_at(const FileDescriptor& fd, const fs::path& file) {
  struct stat ours{};
  struct stat theirs{};
  return ::fstat(fd.get(), &ours) == 0 && ::stat(file.c_str(), &theirs) == 0 &&
         ours.st_ino == theirs.st_ino && ours.st_dev == theirs.st_dev;
}

}  // namespace gatehouse::storage
