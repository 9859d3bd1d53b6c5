#include "base/task.h"

#include <gtest/gtest.h>

#include <memory>
#include <stdexcept>
#include <string>

#include "tests/base/on_loop.h"

namespace gatehouse::base::task_test {
namespace {

Task<int> give(int number) { co_return number; }

Task<std::unique_ptr<int>> give_pointer(int number) { co_return std::make_unique<int>(number); }

Task<void> note(std::string& log, std::string word) {
  log += word;
  co_return;
}

TEST(Task, DoesNothingBeforeItIsAwaited) {
  Loop loop;
  std::string log;
  {
    auto dropped = note(log, "a");
    auto kept = note(log, "b");
    EXPECT_EQ(log, "");
    run(loop, std::move(kept));
  }
  EXPECT_EQ(log, "b");
}

TEST(Task, GivesWhatItReturnsThoughThatCanOnlyBeMoved) {
  Loop loop;
  EXPECT_EQ(run(loop, give(7)), 7);
  EXPECT_EQ(*run(loop, give_pointer(8)), 8);
}

Task<int> give_at_once(int number) { return at_once(number); }

Task<void> note_at_once(std::string& log, std::string word) {
  log += word;
  return at_once();
}

Task<std::string> wait_for_what_has_ended(std::string& log) {
  auto first = give_at_once(3);
  auto second = give_at_once(4);
  first = std::move(second);
  const int number = co_await std::move(first);
  co_await note_at_once(log, "done ");
  co_return log + std::to_string(number);
}

TEST(Task, ThatHasEndedIsAwaitedAndSpawnedAsAnyOther) {
  Loop loop;
  std::string log;
  EXPECT_EQ(run(loop, wait_for_what_has_ended(log)), "done 4");
  EXPECT_EQ(run(loop, give_at_once(5)), 5);
  bool told = false;
  loop.spawn(
      note_at_once(log, "spawned"), "a task that has ended",
      [](void* flag) { *static_cast<bool*>(flag) = true; }, &told);
  loop.poll();
  EXPECT_TRUE(told);
}

Task<long> add_up(int count) {
  long sum = 0;
  for (int i = 0; i < count; ++i) sum += co_await give(i);
  co_return sum;
}

Task<int> count_down(int from) {
  if (from == 0) co_return 0;
  const int below = co_await count_down(from - 1);
  co_return below + 1;
}

TEST(Task, ChainsOfAnyLengthNeedNoStack) {
  Loop loop;
  EXPECT_EQ(run(loop, add_up(1'000'000)), 499'999'500'000);
  EXPECT_EQ(run(loop, count_down(200'000)), 200'000);
}

Task<int> throw_one() {
  throw std::runtime_error("on purpose");
  co_return 0;
}

Task<std::string> catch_one() {
  try {
    (void)co_await throw_one();
  } catch (const std::exception& e) {
    co_return e.what();
  }
  co_return "nothing";
}

TEST(Task, WhatItThrowsReachesWhoAwaitsIt) {
  Loop loop;
  EXPECT_EQ(run(loop, catch_one()), "on purpose");
}

// Says when it goes.
struct Local {
  explicit Local(std::string& l) : log(l) {}
  ~Local() { log += "gone "; }
  std::string& log;
};

Task<void> wait_inside(Event& event, std::string& log) {
  const Local local(log);
  (void)co_await event.wait();
}

Task<void> wait_outside(Event& event, std::string& log) {
  const Local local(log);
  co_await wait_inside(event, log);
}

TEST(Task, DiesWhereItWaitsWithItsLoop) {
  std::string log;
  {
    Loop loop;
    Event event(loop);
    loop.spawn(wait_outside(event, log), "waiter");
    loop.poll();
    EXPECT_EQ(log, "");
  }
  EXPECT_EQ(log, "gone gone ");
}

}  // namespace
}  // namespace gatehouse::base::task_test
