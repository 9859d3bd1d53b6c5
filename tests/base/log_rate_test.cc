#include "base/log_rate.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>
#include <vector>

namespace gatehouse::base::log::log_rate_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const TimePoint kStart(std::chrono::hours(1));
constexpr Sentence kFlood("a flood");

// How many of `tries` lines at one moment are written.
unsigned written(LogRate& rate, TimePoint now, unsigned tries, Sentence sentence = kFlood) {
  unsigned count = 0;
  for (unsigned i = 0; i < tries; ++i) count += rate.take(Level::kWarn, sentence, now).write;
  return count;
}

// What collect() tells: "a flood 3".
std::vector<std::string> collected(LogRate& rate, TimePoint now) {
  std::vector<std::string> told;
  rate.collect(now, [&](Level, const char* sentence, std::uint64_t count) {
    told.push_back(std::string(sentence) + " " + std::to_string(count));
  });
  return told;
}

TEST(LogRate, OfOneKindTenLinesASecondAreWritten) {
  LogRate rate;
  EXPECT_EQ(written(rate, kStart, 25), 10u);
  EXPECT_EQ(written(rate, kStart + milliseconds(999), 25), 0u);
  EXPECT_EQ(written(rate, kStart + seconds(1), 25), 10u);
}

TEST(LogRate, OtherKindsAreWrittenBesideAFlood) {
  LogRate rate;
  EXPECT_EQ(written(rate, kStart, 1'000'000), 10u);
  EXPECT_EQ(written(rate, kStart, 10, "something else"), 10u);
}

TEST(LogRate, TheNextLineOfTheKindTellsHowManyWereLeftOut) {
  LogRate rate;
  written(rate, kStart, 25);
  const auto next = rate.take(Level::kWarn, kFlood, kStart + seconds(2));
  EXPECT_TRUE(next.write);
  EXPECT_EQ(next.left_out, 15u);
  EXPECT_EQ(rate.take(Level::kWarn, kFlood, kStart + seconds(3)).left_out, 0u) << "told already";
}

TEST(LogRate, WhatNoLineFollowsIsCollectedOnceItsSecondIsOver) {
  LogRate rate;
  written(rate, kStart, 25);
  written(rate, kStart, 10, "not too many");
  EXPECT_TRUE(collected(rate, kStart).empty());
  EXPECT_EQ(collected(rate, kStart + seconds(1)), std::vector<std::string>{"a flood 15"});
  EXPECT_TRUE(collected(rate, kStart + seconds(1)).empty());
  EXPECT_EQ(rate.take(Level::kWarn, kFlood, kStart + seconds(1)).left_out, 0u);
}

TEST(LogRate, NoLineOfManyThreadsIsLostFromTheCount) {
  LogRate rate;
  std::atomic<std::uint64_t> told = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] {
        for (int n = 0; n < 10'000; ++n) {
          const auto verdict = rate.take(Level::kWarn, kFlood, kStart + milliseconds(n));
          told += verdict.left_out + verdict.write;
          if (n % 100 != 0) continue;
          rate.collect(kStart + milliseconds(n),
                       [&](Level, const char*, std::uint64_t count) { told += count; });
        }
      });
    }
  }
  rate.collect(TimePoint::max(), [&](Level, const char*, std::uint64_t count) { told += count; });
  EXPECT_EQ(told, 40'000u);
}

}  // namespace
}  // namespace gatehouse::base::log::log_rate_test
