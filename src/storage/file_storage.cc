#include "storage/file_storage.h"

#include <algorithm>
#include <boost/crc.hpp>
#include <cerrno>
#include <cstdio>
#include <ctime>

#include "base/event.h"
#include "storage/file_error.h"
#include "storage/file_lease.h"
#include "storage/file_record.h"

namespace gatehouse::storage {

namespace {

namespace fs = std::filesystem;
using base::Code;
using base::Side;

base::Result<void> bad_key(std::string_view key) {
  return base::fail(Code::kMalformed, Side::kStorage,
                    "\"" + std::string(key) + "\" is no key of a record");
}

std::string fan_out(std::string_view segment) {
  boost::crc_32_type crc;
  crc.process_bytes(segment.data(), segment.size());
  char digits[3];
  std::snprintf(digits, sizeof digits, "%02x", crc.checksum() & 0xff);
  return digits;
}

std::string last_segment(std::string_view key) {
  return std::string(key.substr(key.rfind('/') + 1));  // npos + 1 is 0
}

std::vector<std::string> sorted_names(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code ignored;
  for (const auto& entry : fs::directory_iterator(folder, ignored)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

// Goes through the 256 fan-out folders in order, from the cursor's on.
std::vector<std::string> list_folder(const fs::path& folder, const std::string& prefix,
                                     const std::string& cursor, std::size_t most) {
  std::vector<std::string> keys;
  const auto after = cursor.empty() ? std::string() : last_segment(cursor);
  const auto start = cursor.empty() ? std::string() : fan_out(after);
  for (const auto& digits : sorted_names(folder)) {
    if (digits.size() != 2 || digits < start) continue;
    for (const auto& name : sorted_names(folder / digits)) {
      if (digits == start && name <= after) continue;
      if (fan_out(name) != digits) continue;  // a folder of a longer key, or a stranger's file
      if (keys.size() == most) return keys;
      keys.push_back(prefix + "/" + name);
    }
  }
  return keys;
}

// Folders that are no fan-out: of longer keys.
std::vector<std::string> list_segments(const fs::path& folder) {
  std::vector<std::string> found;
  for (auto& name : sorted_names(folder)) {
    std::error_code ignored;
    const bool longer =
        name.size() != 2 && is_key(name) && fs::is_directory(folder / name, ignored);
    if (longer && found.size() < Storage::kMostSegments) found.push_back(std::move(name));
  }
  return found;
}

base::Result<void> remove_file(const fs::path& file) {
  if (::unlink(file.c_str()) != 0) {
    return errno == ENOENT ? base::Result<void>() : failed("remove", file);
  }
  return sync_folder(file.parent_path());
}

base::Result<std::string> move_aside(const fs::path& file, const fs::path& damaged,
                                     std::string name) {
  auto made = make_folders(damaged);
  if (!made) return base::fail(std::move(made.error()));
  std::replace(name.begin(), name.end(), '/', ',');
  const std::time_t now = std::time(nullptr);
  std::tm utc{};
  ::gmtime_r(&now, &utc);
  char stamp[24];
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &utc);
  for (int attempt = 0; attempt < 100; ++attempt) {
    const auto to = damaged / (name + "." + stamp + "." + std::to_string(attempt));
    std::error_code ignored;
    if (fs::exists(to, ignored)) continue;
    if (::rename(file.c_str(), to.c_str()) != 0) return failed("set aside", file);
    return to.string();
  }
  return base::fail(Code::kIo, Side::kStorage, "no free name in " + damaged.string());
}

}  // namespace

FileStorage::FileStorage(base::Loop& loop, base::BlockingPool& pool, fs::path root)
    : loop_(loop), pool_(pool), root_(std::move(root)) {}

base::Result<void> FileStorage::open() {
  const auto hint = [this](base::Error error) {
    error.detail += " (storage.file.path or $GATEHOUSE_DATA says where storage lies; " +
                    root_.string() + " must be writable for this user)";
    return base::fail(std::move(error));
  };
  if (auto made = make_folders(root_); !made) return hint(std::move(made.error()));
  const auto probe = root_ / "temporary" / "probe";
  if (auto written = write_record(probe, root_ / "temporary", "probe"); !written) {
    return hint(std::move(written.error()));
  }
  ::unlink(probe.c_str());
  remove_leftovers(root_ / "temporary");
  return {};
}

fs::path FileStorage::file_of(std::string_view key) const {
  const auto name = last_segment(key);
  fs::path folder = root_;
  if (name.size() < key.size()) folder /= key.substr(0, key.size() - name.size() - 1);
  return folder / fan_out(name) / name;
}

base::Task<base::Result<std::string>> FileStorage::load(std::string key) {
  if (!is_key(key)) co_return base::fail(bad_key(key).error());
  auto call = [file = file_of(key)] { return read_record(file); };
  co_return co_await pool_.run(std::move(call));
}

base::Task<base::Result<void>> FileStorage::store(std::string key, std::string record) {
  if (!is_key(key)) co_return bad_key(key);
  auto call = [file = file_of(key), temporary = root_ / "temporary", record = std::move(record)] {
    return write_record(file, temporary, record);
  };
  co_return co_await pool_.run(std::move(call));
}

base::Task<base::Result<void>> FileStorage::remove(std::string key) {
  if (!is_key(key)) co_return bad_key(key);
  auto call = [file = file_of(key)] { return remove_file(file); };
  co_return co_await pool_.run(std::move(call));
}

base::Task<base::Result<std::string>> FileStorage::set_aside(std::string key) {
  if (!is_key(key)) co_return base::fail(bad_key(key).error());
  auto call = [file = file_of(key), damaged = root_ / "damaged", key] {
    return move_aside(file, damaged, key);
  };
  co_return co_await pool_.run(std::move(call));
}

base::Task<base::Result<std::vector<std::string>>> FileStorage::segments(std::string prefix) {
  using Names = base::Result<std::vector<std::string>>;
  if (!is_key(prefix)) co_return base::fail(bad_key(prefix).error());
  auto call = [folder = root_ / prefix]() -> Names { return list_segments(folder); };
  co_return co_await pool_.run(std::move(call));
}

base::Task<base::Result<std::vector<std::string>>> FileStorage::list(std::string prefix,
                                                                     std::string cursor,
                                                                     std::size_t most) {
  using Keys = base::Result<std::vector<std::string>>;
  if (!is_key(prefix)) co_return base::fail(bad_key(prefix).error());
  auto call = [folder = root_ / prefix, prefix, cursor = std::move(cursor), most]() -> Keys {
    return list_folder(folder, prefix, cursor, most);
  };
  co_return co_await pool_.run(std::move(call));
}

base::Task<base::Result<Lease>> FileStorage::lease(std::string name, base::Deadline deadline) {
  if (!is_key(name)) co_return base::fail(bad_key(name).error());
  for (;;) {
    auto call = [folder = root_ / "leases", name, pool = &pool_] {
      return try_lease(folder, name, *pool);
    };
    auto taken = co_await pool_.run(std::move(call));
    if (taken || taken.error().code != Code::kOverload) co_return taken;
    if (deadline.passed()) {
      co_return base::fail(Code::kTimeout, Side::kStorage, taken.error().detail);
    }
    const auto next = base::Deadline::in(kLeasePoll).min(deadline);
    co_await base::sleep_until(loop_, next);
  }
}

}  // namespace gatehouse::storage
