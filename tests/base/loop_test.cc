#include "base/loop.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/signals.h"
#include "tests/base/on_loop.h"

namespace gatehouse::base::loop_test {
namespace {

Task<void> note_around_yield(Loop& loop, std::string& log, char name) {
  log += name;
  auto others = loop.yield();
  co_await others;
  log += name;
}

TEST(Loop, YieldLetsEverythingThatIsReadyRunFirst) {
  Loop loop;
  std::string log;
  loop.spawn(note_around_yield(loop, log, 'a'), "a");
  loop.spawn(note_around_yield(loop, log, 'b'), "b");
  loop.post([&log] { log += '-'; });
  while (loop.poll() != 0) {
  }
  EXPECT_EQ(log, "ab-ab");
}

Task<void> begin(Loop& loop, std::string& log, char name, std::string work) {
  auto others = loop.yield_to_work();
  co_await others;
  log += name;
  for (const char step : work) {
    auto more = loop.yield();
    co_await more;
    log += step;
  }
}

void begin_five(Loop& loop, std::string& log, const std::string& work) {
  for (const char name : {'A', 'B', 'C', 'D', 'E'}) {
    loop.spawn(begin(loop, log, name, work), "begin");
  }
}

TEST(Loop, WhoBeginsLetsGoFirstWhatIsUnderWay) {
  Loop loop;
  std::string log;
  loop.spawn(begin(loop, log, 'B', ""), "begin");
  loop.spawn(note_around_yield(loop, log, 'a'), "a");
  loop.post([&] { loop.post([&log] { log += '-'; }); });
  loop.poll();
  EXPECT_EQ(log, "aa-B");
}

TEST(Loop, FourBeginInATurnAndWhatTheyBeginIsThroughBeforeTheNextDo) {
  Loop loop;
  std::string log;
  begin_five(loop, log, "12");
  loop.poll();
  EXPECT_EQ(log, "ABCD11112222");
  loop.poll();
  EXPECT_EQ(log, "ABCD11112222E12");
}

TEST(Loop, OfManyWhoBeginAQuarterDoesInATurn) {
  Loop loop;
  std::string log;
  for (int i = 0; i < 100; ++i) loop.spawn(begin(loop, log, 'x', ""), "begin");
  loop.poll();
  EXPECT_EQ(log.size(), 25U);
  loop.poll();
  EXPECT_EQ(log.size(), 25U + 18);
}

Task<void> never_end(Loop& loop) {
  for (;;) {
    auto others = loop.yield();
    co_await others;
  }
}

TEST(Loop, WhoBeginsWaitsForNoWorkThatNeverEnds) {
  Loop loop;
  std::string log;
  loop.spawn(never_end(loop), "never end");
  loop.spawn(begin(loop, log, 'B', ""), "begin");
  loop.poll();
  EXPECT_EQ(log, "B");
}

TEST(Loop, WhoIsAboutToBeginKeepsTheLoopAwake) {
  Loop loop;
  std::string log;
  begin_five(loop, log, "");
  loop.run_once();
  loop.run_once();
  EXPECT_EQ(log, "ABCDE");
}

TEST(Loop, WhatOneThreadPostsRunsInOrder) {
  Loop loop;
  std::vector<int> seen;
  static constexpr int kMany = 10'000;
  std::jthread other([&] {
    for (int i = 0; i < kMany; ++i) {
      loop.post([&seen, &loop, i] {
        seen.push_back(i);
        if (i == kMany - 1) loop.stop();
      });
    }
  });
  loop.run();
  ASSERT_EQ(seen.size(), static_cast<std::size_t>(kMany));
  for (int i = 0; i < kMany; ++i) ASSERT_EQ(seen[static_cast<std::size_t>(i)], i);
}

TEST(Loop, SeveralThreadsPostAtOnceAndNothingIsLost) {
  Loop loop;
  static constexpr int kThreads = 4;
  static constexpr int kEach = 5'000;
  int count = 0;
  std::vector<std::jthread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < kEach; ++i) {
        loop.post([&] {
          if (++count == kThreads * kEach) loop.stop();
        });
      }
    });
  }
  loop.run();
  EXPECT_EQ(count, kThreads * kEach);
}

TEST(Loop, StoppedBeforeItRunsItDoesNotRun) {
  Loop loop;
  bool ran = false;
  loop.post([&ran] { ran = true; });
  loop.stop();
  loop.run();
  EXPECT_FALSE(ran);
  loop.post([&loop] { loop.stop(); });
  loop.run();
  EXPECT_TRUE(ran) << "the stop before was for the run before";
}

TEST(Loop, WhatWasPostedAndNeverRanIsDestroyedWithIt) {
  auto owned = std::make_shared<int>(1);
  {
    Loop loop;
    loop.post([owned] {});
    std::thread([&] { loop.post([owned] {}); }).join();
    EXPECT_EQ(owned.use_count(), 3);
  }
  EXPECT_EQ(owned.use_count(), 1);
}

TEST(Signals, ComeOneAfterTheOther) {
  Loop loop;
  {
    Signals signals(loop, {SIGUSR1, SIGUSR2});
    ::kill(::getpid(), SIGUSR1);
    EXPECT_EQ(run(loop, signals.next()), SIGUSR1);
    std::jthread other([] { ::kill(::getpid(), SIGUSR2); });
    EXPECT_EQ(run(loop, signals.next()), SIGUSR2);
  }
  struct sigaction now{};
  ::sigaction(SIGUSR1, nullptr, &now);
  EXPECT_EQ(now.sa_handler, SIG_DFL);
}

}  // namespace
}  // namespace gatehouse::base::loop_test
