#include "base/timer_wheel.h"

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <vector>

#include "tests/base/on_loop.h"

namespace gatehouse::base::timer_wheel_test {
namespace {

using namespace std::chrono_literals;

struct Probe {
  explicit Probe(std::function<void()> on_expiry)
      : act(std::move(on_expiry)), timer(&Probe::expired, this) {}
  static void expired(void* self) {
    auto* probe = static_cast<Probe*>(self);
    ++probe->count;
    probe->at = Clock::now();
    auto act = probe->act;  // it may destroy the probe
    act();
  }
  std::function<void()> act;
  int count = 0;
  TimePoint at{};
  WheelTimer timer;
};

// Runs the loop until one of the probes stops it.
void run_until_stopped(Loop& loop) { loop.run(); }

TEST(TimerWheel, NeverRunsATimerEarly) {
  Loop loop;
  std::vector<std::unique_ptr<Probe>> probes;
  std::vector<Deadline> deadlines;
  int left = 20;
  for (int i = 0; i < 20; ++i) {
    probes.push_back(std::make_unique<Probe>([&] {
      if (--left == 0) loop.stop();
    }));
    deadlines.push_back(Deadline::in(Duration(1 + 7 * i)));
    loop.wheel().arm(probes.back()->timer, deadlines.back());
  }
  run_until_stopped(loop);
  for (std::size_t i = 0; i < probes.size(); ++i) {
    EXPECT_GE(probes[i]->at, deadlines[i].at()) << i;
    EXPECT_EQ(probes[i]->count, 1) << i;
    EXPECT_FALSE(probes[i]->timer.armed()) << i;
  }
}

TEST(TimerWheel, RunsATimerWhoseTimeHasPassedAlready) {
  Loop loop;
  Probe probe([&] { loop.stop(); });
  loop.wheel().arm(probe.timer, Deadline(Clock::now() - 10s));
  run_until_stopped(loop);
  EXPECT_EQ(probe.count, 1);
}

TEST(TimerWheel, LeavesADeadlineOfALaterTurnInItsSlot) {
  Loop loop;
  Probe far([] {});
  Probe near([&] { loop.stop(); });
  const auto soon = Clock::now() + 60ms;
  constexpr auto kTurn = TimerWheel::kTick * TimerWheel::kSlots;
  loop.wheel().arm(far.timer, Deadline(soon + kTurn));  // the same slot, one turn later
  loop.wheel().arm(near.timer, Deadline(soon));
  run_until_stopped(loop);
  EXPECT_EQ(near.count, 1);
  EXPECT_EQ(far.count, 0);
  EXPECT_TRUE(far.timer.armed());
}

TEST(TimerWheel, EmptySlotsWakeNobody) {
  TimerWheel wheel;
  Probe far([] {});
  Probe near([] {});
  EXPECT_FALSE(wheel.next_tick());
  const auto now = Clock::now();
  wheel.arm(far.timer, Deadline(now + 20s));
  EXPECT_GE(wheel.next_tick(), now + 20s);
  wheel.arm(near.timer, Deadline(now + 5s));
  EXPECT_GE(wheel.next_tick(), now + 5s);
  EXPECT_LE(wheel.next_tick(), now + 5s + 2 * TimerWheel::kTick);
  wheel.advance(now + 4s);
  EXPECT_LE(wheel.next_tick(), now + 5s + 2 * TimerWheel::kTick);
  near.timer.disarm();
  wheel.advance(now + 6s);
  EXPECT_GE(wheel.next_tick(), now + 20s);
  wheel.arm(near.timer, Deadline(now + 7s));
  wheel.advance(now + 8s);
  EXPECT_EQ(near.count, 1);
  wheel.advance(now + 21s);
  EXPECT_EQ(far.count, 1);
  EXPECT_FALSE(wheel.next_tick());
}

TEST(TimerWheel, ArmingAgainMovesATimer) {
  Loop loop;
  Probe moved([&] { loop.stop(); });
  loop.wheel().arm(moved.timer, Deadline::in(1h));
  loop.wheel().arm(moved.timer, Deadline::in(1ms));
  run_until_stopped(loop);
  EXPECT_EQ(moved.count, 1);
}

TEST(TimerWheel, MayArmATimerWhileItExpires) {
  Loop loop;
  Probe* self = nullptr;
  Probe again([&] {
    if (self->count < 3) {
      loop.wheel().arm(self->timer, Deadline::in(1ms));
    } else {
      loop.stop();
    }
  });
  self = &again;
  loop.wheel().arm(again.timer, Deadline::in(1ms));
  run_until_stopped(loop);
  EXPECT_EQ(again.count, 3);
}

TEST(TimerWheel, MayDestroyTheOwnerAndItsNeighboursInTheSlot) {
  Loop loop;
  std::unique_ptr<Probe> one;
  std::unique_ptr<Probe> two;
  int ran = 0;
  const auto both_go = [&] {
    ++ran;
    one.reset();
    two.reset();
  };
  one = std::make_unique<Probe>(both_go);
  two = std::make_unique<Probe>(both_go);
  Probe last([&] { loop.stop(); });
  const auto soon = Clock::now() + 10ms;
  loop.wheel().arm(one->timer, Deadline(soon));
  loop.wheel().arm(two->timer, Deadline(soon));
  loop.wheel().arm(last.timer, Deadline(soon + TimerWheel::kTick * 2));
  run_until_stopped(loop);
  EXPECT_EQ(ran, 1);
}

TEST(TimerWheel, NeverDisarms) {
  Loop loop;
  Probe off([] {});
  Probe last([&] { loop.stop(); });
  loop.wheel().arm(off.timer, Deadline::in(1ms));
  loop.wheel().arm(off.timer, Deadline::never());
  EXPECT_FALSE(off.timer.armed());
  loop.wheel().arm(last.timer, Deadline::in(60ms));
  run_until_stopped(loop);
  EXPECT_EQ(off.count, 0);
}

TEST(TimerWheel, WorksAgainAfterItWasIdle) {
  Loop loop;
  Probe probe([&] { loop.stop(); });
  for (int round = 1; round <= 2; ++round) {
    const auto deadline = Deadline::in(30ms);
    loop.wheel().arm(probe.timer, deadline);
    run_until_stopped(loop);
    EXPECT_EQ(probe.count, round);
    EXPECT_GE(probe.at, deadline.at());
  }
}

TEST(TimerWheel, MayGoBeforeItsTimers) {
  auto loop = std::make_unique<Loop>();
  Probe probe([] {});
  loop->wheel().arm(probe.timer, Deadline::in(1h));
  loop.reset();
  EXPECT_FALSE(probe.timer.armed());
}

}  // namespace
}  // namespace gatehouse::base::timer_wheel_test
