#include "base/blocking_pool.h"

#include <gtest/gtest.h>

#include <latch>
#include <memory>
#include <stdexcept>
#include <thread>

#include "tests/base/on_loop.h"

namespace gatehouse::base::blocking_pool_test {
namespace {

struct Threads {
  std::thread::id call;
  std::thread::id resumed;
};

Task<Threads> where_it_runs(BlockingPool& pool) {
  auto call = []() -> Result<std::thread::id> { return std::this_thread::get_id(); };
  auto ran = co_await pool.run(call);
  Threads threads;
  threads.call = *ran;
  threads.resumed = std::this_thread::get_id();
  co_return threads;
}

TEST(BlockingPool, RunsElsewhereAndResumesOnTheLoop) {
  Loop loop;
  BlockingPool pool(1);
  const auto threads = run(loop, where_it_runs(pool));
  EXPECT_NE(threads.call, std::this_thread::get_id());
  EXPECT_EQ(threads.resumed, std::this_thread::get_id());
}

TEST(BlockingPool, PassesMoveOnlyResultsAndErrors) {
  Loop loop;
  BlockingPool pool(1);
  auto call = []() -> Result<std::unique_ptr<int>> { return std::make_unique<int>(7); };
  EXPECT_EQ(**run(loop, pool.run(call)), 7);
  auto failing = []() -> Result<void> { return fail(Code::kIo, "the disk is full"); };
  EXPECT_EQ(run(loop, pool.run(failing)).error().detail, "the disk is full");
}

TEST(BlockingPool, TurnsAnExceptionIntoAnError) {
  Loop loop;
  BlockingPool pool(1);
  auto call = []() -> Result<int> { throw std::runtime_error("boom"); };
  auto result = run(loop, pool.run(call));
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, Code::kInternal);
  EXPECT_NE(result.error().detail.find("boom"), std::string::npos);
}

Task<void> call_and_count(BlockingPool& pool, std::latch& go, std::size_t& ok,
                          std::size_t& refused) {
  auto call = [&go]() -> Result<int> {
    go.wait();
    return 1;
  };
  auto result = co_await pool.run(call);
  if (result) ++ok;
  if (!result && result.error().code == Code::kOverload) ++refused;
}

TEST(BlockingPool, RefusesCallsBeyondItsQueue) {
  Loop loop;
  BlockingPool pool(1);
  std::latch go(1);
  std::size_t ok = 0;
  std::size_t refused = 0;
  Gate gate(loop);
  for (std::size_t i = 0; i < BlockingPool::kQueued + 5; ++i) {
    gate.spawn(call_and_count(pool, go, ok, refused), "call");
  }
  run_ready(loop);
  EXPECT_EQ(refused, 5u);
  go.count_down();
  EXPECT_TRUE(run(loop, gate.close()));
  EXPECT_EQ(ok, BlockingPool::kQueued);
}

TEST(BlockingPool, ServesSeveralLoops) {
  BlockingPool pool(2);
  auto other = [&pool] {
    Loop loop;
    for (int i = 0; i < 100; ++i) {
      auto call = [i]() -> Result<int> { return i; };
      EXPECT_EQ(*run(loop, pool.run(call)), i);
    }
  };
  std::jthread one(other);
  std::jthread two(other);
}

}  // namespace
}  // namespace gatehouse::base::blocking_pool_test
