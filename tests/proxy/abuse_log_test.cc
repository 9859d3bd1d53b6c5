#include "proxy/abuse_log.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <thread>
#include <vector>

#include "base/log.h"

namespace gatehouse::proxy::abuse_log_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

// What tell() writes.
std::string told(AbuseLog& log) {
  base::log::flush_and_stop();  // from here on lines go out at once
  testing::internal::CaptureStderr();
  log.tell();
  return testing::internal::GetCapturedStderr();
}

TEST(AbuseLog, OnlyWhatMovedSinceTheLastTimeIsTold) {
  base::AbuseCounters counters;
  AbuseLog log(counters);
  EXPECT_EQ(told(log), "");
  counters.count(base::Abuse::kSlowHead);
  counters.count(base::Abuse::kSlowHead);
  auto lines = told(log);
  EXPECT_THAT(lines, HasSubstr("refused for the site's safety"));
  EXPECT_THAT(lines, HasSubstr("slow_head"));
  EXPECT_THAT(lines, Not(HasSubstr("pings")));
  EXPECT_EQ(told(log), "");
  counters.count(base::Abuse::kPings);
  lines = told(log);
  EXPECT_THAT(lines, HasSubstr("pings"));
  EXPECT_THAT(lines, Not(HasSubstr("slow_head")));
}

TEST(AbuseLog, EachKindHasANameOfItsOwn) {
  std::set<std::string_view> names;
  for (std::size_t i = 0; i < base::AbuseCounters::kKinds; ++i) {
    names.insert(base::name(static_cast<base::Abuse>(i)));
  }
  EXPECT_EQ(names.size(), base::AbuseCounters::kKinds);
  EXPECT_FALSE(names.contains(""));
}

TEST(AbuseLog, CountsOfManyThreadsAreAllThere) {
  base::AbuseCounters counters;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&counters] {
      for (int n = 0; n < 1000; ++n) counters.count(base::Abuse::kResets);
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(counters.of(base::Abuse::kResets), 4000u);
}

}  // namespace
}  // namespace gatehouse::proxy::abuse_log_test
