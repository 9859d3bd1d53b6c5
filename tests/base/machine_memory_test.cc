#include "base/machine_memory.h"

#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <vector>

#include "tests/storage/folder.h"

namespace gatehouse::base::machine_memory_test {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;

// Where control groups would be mounted.
struct MachineMemoryTest : testing::Test {
  void write(const std::string& file, const std::string& text) const {
    const auto path = root.path() / file;
    std::filesystem::create_directories(path.parent_path());
    std::ofstream(path) << text << "\n";
  }
  std::optional<std::uint64_t> found(const std::string& membership) const {
    return cgroup_memory(membership, root.path().string());
  }

  storage::Folder root;
};

TEST_F(MachineMemoryTest, TheLimitOfAContainersGroupIsFound) {
  write("memory.max", "268435456");
  EXPECT_EQ(found("0::/\n"), 256 * kMiB);
}

TEST_F(MachineMemoryTest, TheLeastLimitOnTheWayUpCounts) {
  write("a/memory.max", "200000000");
  write("a/b/memory.max", "max");
  write("a/b/memory.high", "300000000");
  write("a/b/c/memory.max", "400000000");
  EXPECT_EQ(found("0::/a/b/c\n"), 200'000'000u);
  EXPECT_EQ(found("0::/a\n"), 200'000'000u);
  write("a/b/memory.high", "100000000");
  EXPECT_EQ(found("0::/a/b/c\n"), 100'000'000u) << "beyond it the kernel slows a process down";
}

TEST_F(MachineMemoryTest, TheFirstVersionsGroupsAreKnownToo) {
  write("memory/docker/1/memory.limit_in_bytes", "134217728");
  write("memory/docker/memory.limit_in_bytes", "9223372036854771712");
  EXPECT_EQ(found("9:cpu,memory:/docker/1\n0::/\n"), 128 * kMiB);
  EXPECT_EQ(found("9:cpu,memory:/docker\n0::/\n"), std::nullopt) << "that is its word for none";
  write("memory/memory.limit_in_bytes", "67108864");
  EXPECT_EQ(found("9:memory:/as/the/host/sees/it\n"), 64 * kMiB);
}

TEST_F(MachineMemoryTest, WithoutALimitThereIsNone) {
  write("memory.max", "max");
  for (const auto* membership : {"", "0::/\n", "0::/../../x\n", "nonsense", "9:cpu:/\n"}) {
    EXPECT_EQ(found(membership), std::nullopt) << membership;
  }
  EXPECT_GT(usable_memory(), kMiB) << "a part of the machine's";
}

TEST(ResidentMemory, WhatIsAllocatedAndTouchedIsSeen) {
  const ResidentMemory resident;
  const auto before = resident.read();
  ASSERT_TRUE(before);
  std::vector<char> block(64 * kMiB);
  std::memset(block.data(), 1, block.size());
  EXPECT_GT(*resident.read(), *before + 60 * kMiB);
}

}  // namespace
}  // namespace gatehouse::base::machine_memory_test
