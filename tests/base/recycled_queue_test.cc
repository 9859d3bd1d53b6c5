#include "base/recycled_queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <utility>

namespace gatehouse::base::recycled_queue_test {
namespace {

using Numbers = RecycledQueue<std::shared_ptr<int>>;

std::shared_ptr<int> number(int value) { return std::make_shared<int>(value); }

TEST(RecycledQueue, GivesInOrderWhatItWasGiven) {
  Numbers queue;
  EXPECT_TRUE(queue.empty());
  int given = 0;
  int taken = 0;
  // Longer and shorter in turn, so that it grows, moves up and runs empty.
  for (const int wave : {1, 3, 2, 50, 1, 7, 200}) {
    for (int i = 0; i < wave; ++i) queue.push_back(number(given++));
    EXPECT_EQ(*queue.back(), given - 1);
    const int leave = wave % 2;
    while (static_cast<int>(queue.size()) > leave) {
      EXPECT_EQ(*queue.front(), taken++);
      queue.pop_front();
    }
    EXPECT_EQ(queue.empty(), leave == 0);
  }
  EXPECT_EQ(taken, given);
}

TEST(RecycledQueue, ThatNeverRunsEmptyDoesNotGrow) {
  RecycledQueue<int> queue;
  queue.push_back(0);
  const auto* const lowest = &queue.front();
  for (int i = 1; i < 10; ++i) {
    queue.push_back(i);
    EXPECT_EQ(&queue.front(), lowest);
    EXPECT_EQ(queue.front(), i - 1);
    queue.pop_front();
  }
}

TEST(RecycledQueue, KeepsNothingOfWhatHasLeft) {
  Numbers queue;
  const auto first = number(1);
  queue.push_back(first);
  queue.push_back(number(2));
  queue.pop_front();
  EXPECT_EQ(first.use_count(), 1);
  EXPECT_EQ(*queue.front(), 2);
}

TEST(RecycledQueue, ThatWasMovedFromIsEmptyAndGoesOn) {
  Numbers queue;
  for (int i = 0; i < 4; ++i) queue.push_back(number(i));
  queue.pop_front();
  Numbers other(std::move(queue));
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(*other.front(), 1);
  queue.push_back(number(9));
  EXPECT_EQ(*queue.front(), 9);
  other = std::move(queue);
  EXPECT_TRUE(queue.empty());
  EXPECT_EQ(*other.front(), 9);
  EXPECT_EQ(other.size(), 1U);
}

}  // namespace
}  // namespace gatehouse::base::recycled_queue_test
