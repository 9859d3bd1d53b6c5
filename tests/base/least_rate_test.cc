#include "base/least_rate.h"

#include <gtest/gtest.h>

namespace gatehouse::base::least_rate_test {
namespace {

constexpr TimePoint kStart{std::chrono::hours(1)};

TimePoint at(int seconds) { return kStart + std::chrono::seconds(seconds); }

TEST(LeastRate, WithoutARateNobodyIsTooSlow) {
  LeastRate none;
  none.begin(kStart);
  EXPECT_TRUE(none.deadline().is_never());
  LeastRate off(0, Duration(30'000));
  off.begin(kStart);
  EXPECT_TRUE(off.deadline().is_never());
}

TEST(LeastRate, NothingIsLookedAtInTheGrace) {
  LeastRate rate(240, Duration(30'000));
  rate.begin(kStart);
  EXPECT_EQ(rate.deadline().at(), at(30));
  rate.moved(240);  // worth a second of the thirty
  EXPECT_EQ(rate.deadline().at(), at(30));
}

TEST(LeastRate, BytesEarnTimeAfterTheGrace) {
  LeastRate rate(240, Duration(30'000));
  rate.begin(kStart);
  rate.moved(240 * 45);
  EXPECT_EQ(rate.deadline().at(), at(45));
}

TEST(LeastRate, OnlyTheTimeOfWaitingCounts) {
  LeastRate rate(240, Duration(30'000));
  rate.begin(kStart);
  rate.end(at(10));
  rate.begin(at(1000));  // nobody had waited for the peer
  EXPECT_EQ(rate.deadline().at(), at(1020));
}

TEST(LeastRate, ATrickleEndsAtTheGrace) {
  LeastRate rate(240, Duration(30'000));
  int second = 0;
  rate.begin(kStart);
  for (; !(rate.deadline().at() <= at(second)); ++second) {
    rate.end(at(second));
    rate.moved(1);
    rate.begin(at(second));
  }
  EXPECT_EQ(second, 30);
}

TEST(LeastRate, WhoWasFastOnceMayNotBeSlowForHours) {
  LeastRate rate(240, Duration(30'000));
  rate.moved(1'000'000'000);  // which would be good for 48 days
  int second = 0;
  rate.begin(kStart);
  for (; !(rate.deadline().at() <= at(second)); second += 10) {
    rate.end(at(second));
    rate.moved(1);
    rate.begin(at(second));
  }
  EXPECT_LT(second, 900);
}

TEST(LeastRate, AtTheRateNobodyIsCutOff) {
  LeastRate rate(240, Duration(30'000));
  rate.begin(kStart);
  for (int second = 1; second < 10'000; ++second) {
    ASSERT_GT(rate.deadline().at(), at(second) - std::chrono::milliseconds(1)) << second;
    rate.end(at(second));
    rate.moved(250);
    rate.begin(at(second));
  }
}

TEST(LeastRate, ANewBodyBeginsAnew) {
  LeastRate rate(240, Duration(30'000));
  rate.begin(kStart);
  rate.end(at(29));
  rate.restart();
  rate.begin(at(29));
  EXPECT_EQ(rate.deadline().at(), at(59));
}

}  // namespace
}  // namespace gatehouse::base::least_rate_test
