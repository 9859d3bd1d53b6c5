#include "tests/base/skipped_time.h"

#include <gtest/gtest.h>

#include <vector>

#include "base/event.h"

namespace gatehouse::base::skipped_time_test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

struct SkippedTimeTest : testing::Test {
  Loop loop;
  BlockingPool pool{1};
  SkippedTime time{loop, pool};
};

Task<void> rest(Loop& loop, Duration pause) { co_await sleep_until(loop, Deadline::in(pause)); }

TEST_F(SkippedTimeTest, BothClocksAreAheadByWhatWasWaitedFor) {
  const auto real = std::chrono::steady_clock::now();
  const auto began = Clock::now();
  const auto wall = wall_now();
  time.run(rest(loop, hours(100)));
  EXPECT_GE(Clock::now() - began, hours(100));
  EXPECT_GE(wall_now() - wall, hours(100));
  EXPECT_LT(std::chrono::steady_clock::now() - real, hours(1));
}

Task<void> note(Loop& loop, Duration pause, std::vector<Duration>& order) {
  co_await rest(loop, pause);
  order.push_back(pause);
}

TEST_F(SkippedTimeTest, WaitsEndInTheirOrder) {
  std::vector<Duration> order;
  for (const Duration pause : {Duration(hours(3)), Duration(70), Duration(hours(1))}) {
    loop.spawn(note(loop, pause, order), "a wait");
  }
  time.until([&] { return order.size() == 3; });
  EXPECT_EQ(order, (std::vector<Duration>{Duration(70), hours(1), hours(3)}));
}

TEST_F(SkippedTimeTest, SoMuchTimePassesAndNoMore) {
  std::vector<Duration> order;
  loop.spawn(note(loop, hours(3), order), "a wait");
  time.pass(hours(2));
  EXPECT_TRUE(order.empty());
  time.pass(hours(1) + seconds(1));
  EXPECT_EQ(order.size(), 1u);
}

Task<int> work(BlockingPool& pool) {
  auto seven = [] { return Result<int>(7); };
  const auto made = co_await pool.run(seven);
  co_return *made;
}

TEST_F(SkippedTimeTest, NoTimePassesWhileThePoolWorks) {
  const auto skipped = Clock::skipped();
  loop.spawn(rest(loop, hours(1)), "a wait");
  EXPECT_EQ(time.run(work(pool)), 7);
  EXPECT_EQ(Clock::skipped(), skipped);
}

TEST_F(SkippedTimeTest, ForWhatNeverComesThereIsNoWait) {
  Event never(loop);
  EXPECT_THROW(time.until([&] { return never.is_set(); }), std::runtime_error);
}

}  // namespace
}  // namespace gatehouse::base::skipped_time_test
