#include "base/frames.h"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

#include "base/recycled.h"

namespace gatehouse::base::frames_test {
namespace {

TEST(Frames, OfAllSizesAreApartAndAsLargeAsAskedFor) {
  std::vector<std::pair<unsigned char*, std::size_t>> held;
  for (std::size_t size = 1; size <= Frames::kLargest + 100; size += 61) {
    auto* const frame = static_cast<unsigned char*>(Frames::allocate(size));
    std::memset(frame, static_cast<int>(size % 251), size);
    held.emplace_back(frame, size);
  }
  for (const auto& [frame, size] : held) {
    EXPECT_EQ(frame[0], size % 251);
    EXPECT_EQ(frame[size - 1], size % 251);
    Frames::release(frame, size);
  }
}

TEST(Frames, ThoseThatWereFreedMayBeTakenAgain) {
  Text text(1000, 'a');
  const Text other(1000, 'b');
  for (int i = 0; i < 10; ++i) {
    Text().swap(text);
    text.assign(1000, static_cast<char>('c' + i));
    EXPECT_EQ(other, Text(1000, 'b')) << "nobody else's memory was given out";
    EXPECT_EQ(text, Text(1000, static_cast<char>('c' + i)));
  }
}

TEST(Frames, MayBeFreedOnAnotherThreadThatEnds) {
  RecycledList<Text> texts;
  for (int i = 0; i < 100; ++i) texts.emplace_back(static_cast<std::size_t>(i * 50), 'x');
  std::thread([moved = std::move(texts)]() mutable {
    for (auto& text : moved) text.append("y");
    for (const auto& text : moved) EXPECT_TRUE(text.ends_with('y'));
    moved.clear();
  }).join();
  EXPECT_EQ(Text(4000, 'z'), std::string_view(std::string(4000, 'z')));
}

}  // namespace
}  // namespace gatehouse::base::frames_test
