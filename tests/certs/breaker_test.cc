#include "certs/breaker.h"

#include <gtest/gtest.h>

namespace gatehouse::certs::breaker_test {
namespace {

using std::chrono::minutes;
using std::chrono::seconds;

struct BreakerTest : testing::Test {
  void open() {
    for (unsigned i = 0; i < Breaker::kFailures; ++i) {
      EXPECT_TRUE(breaker.take(now));
      breaker.failed(now);
    }
  }
  base::WallTime now{seconds(1'800'000'000)};
  Breaker breaker;
};

TEST_F(BreakerTest, LetsEverythingGoUntilManyFailedInARow) {
  for (unsigned i = 0; i < 100; ++i) {
    EXPECT_TRUE(breaker.take(now));
    if (i % Breaker::kFailures == 0) {
      breaker.answered();
    } else {
      breaker.failed(now);
    }
  }
  EXPECT_FALSE(breaker.open());
}

TEST_F(BreakerTest, OpensAfterFailuresInARowAndSaysUntilWhen) {
  open();
  EXPECT_FALSE(breaker.take(now));
  EXPECT_EQ(breaker.next(), now + Breaker::kFirstPause);
}

TEST_F(BreakerTest, ForgetsFailuresOfLongAgo) {
  for (unsigned i = 0; i < 20; ++i) {
    EXPECT_TRUE(breaker.take(now));
    breaker.failed(now);
    now += Breaker::kForgotten + seconds(1);
  }
}

TEST_F(BreakerTest, LetsOneGoAfterThePauseToSee) {
  open();
  now += Breaker::kFirstPause;
  EXPECT_TRUE(breaker.take(now));
  EXPECT_FALSE(breaker.take(now));
  breaker.answered();
  EXPECT_TRUE(breaker.take(now));
  EXPECT_TRUE(breaker.take(now));
}

TEST_F(BreakerTest, DoublesThePauseUpToALongest) {
  open();
  seconds last{0};
  for (int i = 0; i < 20; ++i) {
    const seconds pause = breaker.next() - now;
    EXPECT_EQ(pause, i == 0 ? Breaker::kFirstPause : std::min(last * 2, Breaker::kLongestPause));
    last = pause;
    now = breaker.next();
    EXPECT_TRUE(breaker.take(now));
    breaker.failed(now);
  }
}

TEST_F(BreakerTest, DoesNotCountWhatWasOnItsWayWhenItOpened) {
  open();
  const auto next = breaker.next();
  for (int i = 0; i < 30; ++i) breaker.failed(now);
  EXPECT_EQ(breaker.next(), next);
}

TEST_F(BreakerTest, RestsAtOnceForAsLongAsTheIssuerWants) {
  breaker.rest(now, minutes(90));
  now += minutes(89);
  EXPECT_FALSE(breaker.take(now));
  now += minutes(1);
  EXPECT_TRUE(breaker.take(now));
  EXPECT_FALSE(breaker.take(now));
  breaker.rest(now, std::chrono::days(30));
  EXPECT_EQ(breaker.next(), now + Breaker::kLongestRest);
}

TEST_F(BreakerTest, TriesAgainWhenTheOneOrderNeverComesBack) {
  open();
  now += Breaker::kFirstPause;
  EXPECT_TRUE(breaker.take(now));
  now += Breaker::kProbe;
  EXPECT_TRUE(breaker.take(now));
}

}  // namespace
}  // namespace gatehouse::certs::breaker_test
