#include "base/event.h"

#include <gtest/gtest.h>

#include "tests/base/on_loop.h"

namespace gatehouse::base::event_test {
namespace {

using namespace std::chrono_literals;

Task<void> count_when_set(Event& event, int& count) {
  auto waited = co_await event.wait();
  if (waited) ++count;
}

TEST(Event, ReturnsAtOnceWhenItIsSet) {
  Loop loop;
  Event event(loop);
  event.set();
  EXPECT_TRUE(run(loop, event.wait(Deadline(Clock::now() - 1s))));
}

TEST(Event, WakesAllWhoWait) {
  Loop loop;
  Event event(loop);
  int woken = 0;
  for (int i = 0; i < 3; ++i) loop.spawn(count_when_set(event, woken), "waiter");
  run_ready(loop);
  EXPECT_EQ(woken, 0);
  event.set();
  EXPECT_EQ(woken, 0) << "who waits runs later, not inside set()";
  run_ready(loop);
  EXPECT_EQ(woken, 3);
}

TEST(Event, ReportsADeadlineThatPassed) {
  Loop loop;
  Event event(loop);
  auto waited = run(loop, event.wait(Deadline::in(5ms)));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Code::kTimeout);
}

TEST(Event, CanBeResetAndSetAgain) {
  Loop loop;
  Event event(loop);
  event.set();
  event.reset();
  EXPECT_FALSE(event.is_set());
  int woken = 0;
  loop.spawn(count_when_set(event, woken), "waiter");
  run_ready(loop);
  EXPECT_EQ(woken, 0);
  event.set();
  run_ready(loop);
  EXPECT_EQ(woken, 1);
}

TEST(SleepUntil, IsNeverEarly) {
  Loop loop;
  const auto deadline = Deadline::in(5ms);
  run(loop, sleep_until(loop, deadline));
  EXPECT_GE(Clock::now(), deadline.at());
}

}  // namespace
}  // namespace gatehouse::base::event_test
