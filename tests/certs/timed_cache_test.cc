#include "certs/timed_cache.h"

#include <gtest/gtest.h>

namespace gatehouse::certs::timed_cache_test {
namespace {

const base::TimePoint kNow = base::Clock::now();
const base::TimePoint kLater = kNow + base::Duration(1000);

TEST(TimedCache, ForgetsWhatIsOutOfDate) {
  TimedCache<int> cache(10);
  cache.put("a", 1, kLater);
  ASSERT_NE(cache.find("a", kNow), nullptr);
  EXPECT_EQ(*cache.find("a", kNow), 1);
  EXPECT_EQ(cache.find("a", kLater), nullptr);
  EXPECT_EQ(cache.size(), 0u);
}

TEST(TimedCache, DropsTheLeastRecentlyUsedWhenFull) {
  TimedCache<int> cache(2);
  cache.put("a", 1, kLater);
  cache.put("b", 2, kLater);
  ASSERT_NE(cache.find("a", kNow), nullptr);
  cache.put("c", 3, kLater);
  EXPECT_NE(cache.find("a", kNow), nullptr);
  EXPECT_EQ(cache.find("b", kNow), nullptr);
  EXPECT_NE(cache.find("c", kNow), nullptr);
  EXPECT_EQ(cache.size(), 2u);
}

TEST(TimedCache, ReplacesAndErases) {
  TimedCache<int> cache(2);
  cache.put("a", 1, kLater);
  cache.put("a", 2, kLater);
  EXPECT_EQ(cache.size(), 1u);
  EXPECT_EQ(*cache.find("a", kNow), 2);
  cache.erase("a");
  cache.erase("a");
  EXPECT_EQ(cache.find("a", kNow), nullptr);
}

}  // namespace
}  // namespace gatehouse::certs::timed_cache_test
