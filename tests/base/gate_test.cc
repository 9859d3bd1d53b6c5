#include "base/gate.h"

#include <gtest/gtest.h>

#include <stdexcept>

#include "base/log.h"
#include "tests/base/on_loop.h"

namespace gatehouse::base::gate_test {
namespace {

using namespace std::chrono_literals;

Task<void> wait_then_count(Event& event, int& count) {
  (void)co_await event.wait();
  ++count;
}

Task<void> throw_one() {
  throw std::runtime_error("on purpose");
  co_return;
}

Task<void> close_and_note(Gate& gate, bool& closed) {
  auto done = co_await gate.close();
  closed = done.has_value();
}

TEST(Gate, ClosesAtOnceWithoutTasks) {
  Loop loop;
  Gate gate(loop);
  EXPECT_TRUE(run(loop, gate.close()));
  EXPECT_TRUE(gate.closed());
}

TEST(Gate, ClosesOnlyAfterTheLastTaskHasEnded) {
  Loop loop;
  Gate gate(loop);
  Event go(loop);
  int ended = 0;
  EXPECT_TRUE(gate.spawn(wait_then_count(go, ended), "task"));
  EXPECT_TRUE(gate.spawn(wait_then_count(go, ended), "task"));
  EXPECT_TRUE(gate.enter());
  bool closed = false;
  loop.spawn(close_and_note(gate, closed), "close");
  run_ready(loop);
  EXPECT_EQ(gate.count(), 3u);
  go.set();
  run_ready(loop);
  EXPECT_EQ(ended, 2);
  EXPECT_FALSE(closed);
  gate.leave();
  run_ready(loop);
  EXPECT_TRUE(closed);
}

TEST(Gate, RefusesNewTasksOnceClosed) {
  Loop loop;
  Gate gate(loop);
  Event go(loop);
  int ended = 0;
  gate.shut();
  EXPECT_FALSE(gate.spawn(wait_then_count(go, ended), "late"));
  EXPECT_FALSE(gate.enter());
  go.set();
  run_ready(loop);
  EXPECT_EQ(ended, 0);
  EXPECT_EQ(gate.count(), 0u);
}

TEST(Gate, ReportsTasksThatDoNotEnd) {
  Loop loop;
  Gate gate(loop);
  ASSERT_TRUE(gate.enter());
  auto closed = run(loop, gate.close(Deadline::in(5ms)));
  ASSERT_FALSE(closed);
  EXPECT_EQ(closed.error().code, Code::kTimeout);
  gate.leave();
  EXPECT_TRUE(run(loop, gate.close()));
}

TEST(Gate, CountsOutATaskThatThrew) {
  Loop loop;
  Gate gate(loop);
  const auto before = thrown_tasks();
  testing::internal::CaptureStderr();
  gate.spawn(throw_one(), "thrower");
  EXPECT_TRUE(run(loop, gate.close()));
  EXPECT_NE(testing::internal::GetCapturedStderr().find("thrower"), std::string::npos);
  EXPECT_EQ(thrown_tasks(), before + 1);
}

TEST(Loop, GoesOnAfterATaskThatThrew) {
  Loop loop;
  const auto before = thrown_tasks();
  testing::internal::CaptureStderr();
  loop.spawn(throw_one(), "thrower");
  run_ready(loop);
  EXPECT_NE(testing::internal::GetCapturedStderr().find("on purpose"), std::string::npos);
  EXPECT_EQ(thrown_tasks(), before + 1);
  bool ran = false;
  loop.post([&] { ran = true; });
  run_ready(loop);
  EXPECT_TRUE(ran);
}

}  // namespace
}  // namespace gatehouse::base::gate_test
