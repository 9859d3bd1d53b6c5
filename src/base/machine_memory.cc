#include "base/machine_memory.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <fstream>
#include <iterator>
#include <sstream>
#include <string_view>

namespace gatehouse::base {

namespace {

using Bound = std::optional<std::uint64_t>;

void lower(Bound& bound, Bound other) {
  if (other && (!bound || *other < *bound)) bound = other;
}

// A number, or "max" for none. What is as large as v1's "no limit" is none either.
Bound bound_in(const std::string& file) {
  constexpr std::uint64_t kNone = std::uint64_t{1} << 60;
  std::ifstream in(file);
  std::uint64_t bytes = 0;
  if (!(in >> bytes) || bytes >= kNone) return {};
  return bytes;
}

// Of the group at `path` below `mount` and of all above it. In a container the path may be one that
// only the host sees: then the mount itself is the container's group.
Bound least_bound(const std::string& mount, std::string path,
                  std::initializer_list<const char*> files) {
  if (path.find("..") != std::string::npos) path.clear();
  Bound least;
  for (;;) {
    for (const auto* file : files) lower(least, bound_in(mount + path + "/" + file));
    const auto slash = path.rfind('/');
    if (slash == std::string::npos) return least;
    path.resize(slash);
  }
}

std::uint64_t machine_memory() {
  const long pages = ::sysconf(_SC_PHYS_PAGES);
  const long size = ::sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0
             ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size)
             : 0;
}

std::uint64_t part_of(std::uint64_t bytes, double part) {
  return static_cast<std::uint64_t>(static_cast<double>(bytes) * part);
}

}  // namespace

Bound cgroup_memory(const std::string& membership, const std::string& root) {
  Bound least;
  std::istringstream lines(membership);
  for (std::string line; std::getline(lines, line);) {
    // hierarchy-id:controllers:path
    const auto first = line.find(':');
    const auto second = line.find(':', first + 1);
    if (first == std::string::npos || second == std::string::npos) continue;
    const auto controllers = "," + line.substr(first + 1, second - first - 1) + ",";
    const auto path = line.substr(second + 1);
    if (controllers == ",,") lower(least, least_bound(root, path, {"memory.max", "memory.high"}));
    if (controllers.find(",memory,") != std::string::npos) {
      lower(least, least_bound(root + "/memory", path, {"memory.limit_in_bytes"}));
    }
  }
  return least;
}

std::uint64_t usable_memory() {
  std::ifstream file("/proc/self/cgroup");
  const std::string membership(std::istreambuf_iterator<char>(file), {});
  const auto machine = machine_memory();
  const auto group = cgroup_memory(membership, "/sys/fs/cgroup");
  if (group && (machine == 0 || *group < machine)) return part_of(*group, kOfCgroup);
  return part_of(machine, kOfMachine);
}

ResidentMemory::ResidentMemory() : statm_(::open("/proc/self/statm", O_RDONLY | O_CLOEXEC)) {}

ResidentMemory::~ResidentMemory() {
  if (statm_ >= 0) ::close(statm_);
}

std::optional<std::uint64_t> ResidentMemory::read() const {
  char text[128];
  const auto got = ::pread(statm_, text, sizeof text, 0);
  if (got <= 0) return {};
  // Pages: size, resident, of files and shared.
  const char* at = text;
  const char* const end = text + got;
  std::uint64_t pages[3]{};
  for (auto& one : pages) {
    const auto [next, error] = std::from_chars(at, end, one);
    if (error != std::errc()) return {};
    at = std::min(next + 1, end);
  }
  const auto resident = pages[1] - std::min(pages[1], pages[2]);
  return resident * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
}

}  // namespace gatehouse::base
