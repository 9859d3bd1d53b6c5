#include "acme/retry_after.h"

#include <gtest/gtest.h>

namespace gatehouse::acme::retry_after_test {
namespace {

using std::chrono::seconds;

// 1994-11-06 08:49:37, the moment of RFC 9110's examples.
constexpr base::WallTime kThen{seconds(784111777)};

TEST(RetryAfter, ReadsSeconds) {
  EXPECT_EQ(parse_retry_after("0", kThen), seconds(0));
  EXPECT_EQ(parse_retry_after("120", kThen), seconds(120));
}

TEST(RetryAfter, CutsHugeWaitsToTheLongest) {
  EXPECT_EQ(parse_retry_after("999999999", kThen), kLongestRetryAfter);
  EXPECT_EQ(parse_retry_after("99999999999999999999999999", kThen), kLongestRetryAfter);
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 2094 08:49:37 GMT", kThen), kLongestRetryAfter);
}

TEST(RetryAfter, ReadsDatesAsTimeFromNow) {
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:50:37 GMT", kThen), seconds(60));
  EXPECT_EQ(parse_retry_after("Sun, 06 Nov 1994 08:48:37 GMT", kThen), seconds(0));
}

TEST(RetryAfter, KnowsNothingOfGarbage) {
  for (const char* text :
       {"", "-1", "1.5", "soon", "12 s", "Sun, 06 Nov 1994", "Sun, 31 Feb 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 25:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37 CET", ",,,,,,", "Sun Nov 6 08:49:37", " "}) {
    EXPECT_EQ(parse_retry_after(text, kThen), std::nullopt) << text;
  }
}

TEST(RetryAfter, IsReadFromTheWordsOfAProblemToo) {
  const auto in = [](const char* words) { return retry_after_in(words, kThen); };
  EXPECT_EQ(in("too many, retry after 1994-11-06 09:49:37 UTC: see https://a.example/"),
            seconds(3600));
  EXPECT_EQ(in("too many, retry after 1994-11-06T08:50:37Z: see https://a.example/"), seconds(60));
  EXPECT_EQ(in("too many; retry after 1994-11-06T09:50:37+01:00."), seconds(60));
  EXPECT_EQ(in("retry after 1994-11-06 08:00:00 UTC"), seconds(0));
  EXPECT_EQ(in("retry after 2094-11-06 08:00:00 UTC"), kLongestRetryAfter);
  for (const char* words : {"", "retry after", "retry after a while", "retry after 1994-11-06",
                            "retry after 1994-11-06 25:00:00 UTC", "retry after 10:00:00 UTC"}) {
    EXPECT_EQ(in(words), std::nullopt) << words;
  }
}

TEST(HttpDate, HasThreeForms) {
  EXPECT_EQ(parse_http_date("Sun, 06 Nov 1994 08:49:37 GMT"), kThen);
  EXPECT_EQ(parse_http_date("Sunday, 06-Nov-94 08:49:37 GMT"), kThen);
  EXPECT_EQ(parse_http_date("Sun Nov  6 08:49:37 1994"), kThen);
}

TEST(HttpDate, KnowsLeapDays) {
  EXPECT_TRUE(parse_http_date("Thu, 29 Feb 2024 00:00:00 GMT"));
  EXPECT_FALSE(parse_http_date("Wed, 29 Feb 2023 00:00:00 GMT"));
}

}  // namespace
}  // namespace gatehouse::acme::retry_after_test
