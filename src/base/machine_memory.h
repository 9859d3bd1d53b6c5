// What memory there is for this process, and how much of it this process uses.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gatehouse::base {

// The least of the limits of the control groups that this process is in, of its own and of all
// above it: v2's memory.max and memory.high, v1's memory.limit_in_bytes. Nothing when none is set.
// `membership`: what /proc/self/cgroup says; `root`: where the groups are mounted. Reads files.
std::optional<std::uint64_t> cgroup_memory(const std::string& membership, const std::string& root);

// What a process should use at most when nobody has said so: kOfCgroup of its control group's
// limit, since the kernel's buffers for its sockets count there too; without one kOfMachine of the
// machine's memory. Reads files.
inline constexpr double kOfCgroup = 0.7;
inline constexpr double kOfMachine = 0.5;
std::uint64_t usable_memory();

// Resident memory of this process that only it can give back: anonymous pages. Pages of files (the
// program itself) are not counted: the kernel takes those when it needs them. One thread.
class ResidentMemory {
 public:
  ResidentMemory();
  ResidentMemory(const ResidentMemory&) = delete;
  ResidentMemory& operator=(const ResidentMemory&) = delete;
  ~ResidentMemory();

  // Bytes, as the kernel knows at once: one system call that waits for nothing. Nothing where /proc
  // cannot be read.
  std::optional<std::uint64_t> read() const;

 private:
  int statm_;
};

}  // namespace gatehouse::base
