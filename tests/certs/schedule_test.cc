#include "certs/schedule.h"

#include <gtest/gtest.h>

#include <vector>

#include "certs/backoff.h"
#include "certs/renewal_plan.h"
#include "tests/certs/run_task.h"

namespace gatehouse::certs::schedule_test {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const base::WallTime kStart{seconds(1'800'000'000)};

struct ScheduleTest : testing::Test {
  base::Loop loop;
  base::WallTime now = kStart;
  Schedule schedule{loop, [this] { return now; }};
};

base::Task<void> collect(Schedule& schedule, std::size_t count, std::vector<std::string>& out) {
  while (out.size() < count) {
    auto name = co_await schedule.next();
    if (!name) co_return;
    out.push_back(*name);
  }
}

TEST_F(ScheduleTest, GivesNamesInTheOrderInWhichTheyFallDue) {
  schedule.set("late.example", kStart - seconds(1));
  schedule.set("early.example", kStart - seconds(100));
  schedule.set("middle.example", kStart - seconds(50));
  std::vector<std::string> out;
  run_task(loop, collect(schedule, 3, out));
  EXPECT_EQ(out, (std::vector<std::string>{"early.example", "middle.example", "late.example"}));
  EXPECT_EQ(schedule.size(), 0u);
}

TEST_F(ScheduleTest, OfWhatIsDueTheMostUrgentGoesFirst) {
  Schedule ranked(
      loop, [this] { return now; },
      [](std::string_view name) {
        return name.starts_with("old") ? Urgency::kExpiring : Urgency::kDue;
      });
  ranked.set("a.example", kStart - seconds(100));
  ranked.set("old.example", kStart - seconds(1));
  ranked.set("old-later.example", kStart + hours(1));
  std::vector<std::string> out;
  run_task(loop, collect(ranked, 1, out));
  now += hours(2);
  run_task(loop, collect(ranked, 2, out));
  EXPECT_EQ(out.front(), "old.example");
  EXPECT_EQ(out.back(), "old-later.example");
  EXPECT_EQ(ranked.due("a.example"), kStart - seconds(100)) << "it waits still";
  ranked.set("a.example", now + hours(1));
  EXPECT_EQ(ranked.due("a.example"), now + hours(1));
  ranked.remove("a.example");
  EXPECT_EQ(ranked.size(), 0u);
}

TEST_F(ScheduleTest, MovesAnEntryInsteadOfKeepingTwo) {
  schedule.set("a.example", kStart - seconds(10));
  schedule.set("b.example", kStart - seconds(5));
  schedule.set("a.example", kStart - seconds(1));
  std::vector<std::string> out;
  run_task(loop, collect(schedule, 2, out));
  EXPECT_EQ(out, (std::vector<std::string>{"b.example", "a.example"}));
}

TEST_F(ScheduleTest, DoesNotGiveWhatIsNotDueOrWasRemoved) {
  schedule.set("future.example", kStart + days(1));
  schedule.set("gone.example", kStart - seconds(1));
  schedule.remove("gone.example");
  loop.post([this] { schedule.close(); });
  std::vector<std::string> out;
  run_task(loop, collect(schedule, 1, out));
  EXPECT_TRUE(out.empty());
  EXPECT_EQ(schedule.due("future.example"), kStart + days(1));
  EXPECT_FALSE(schedule.due("gone.example"));
}

TEST_F(ScheduleTest, NoticesAClockThatWasSetForward) {
  schedule.set("a.example", kStart + days(30));
  loop.post([this] {
    now += days(31);
    schedule.recheck();
  });
  std::vector<std::string> out;
  run_task(loop, collect(schedule, 1, out));
  EXPECT_EQ(out, std::vector<std::string>{"a.example"});
}

TEST_F(ScheduleTest, WakesForAnEntryThatIsSetWhileItWaits) {
  schedule.set("far.example", kStart + days(30));
  loop.post([this] { schedule.set("now.example", kStart); });
  std::vector<std::string> out;
  run_task(loop, collect(schedule, 1, out));
  EXPECT_EQ(out, std::vector<std::string>{"now.example"});
}

TEST_F(ScheduleTest, HoldsDatesFartherAwayThanAnyTimerCanWait) {
  schedule.set("never.example", base::WallTime(seconds(253'402'300'799)));  // year 9999
  loop.post([this] { schedule.close(); });
  std::vector<std::string> out;
  run_task(loop, collect(schedule, 1, out));
  EXPECT_TRUE(out.empty());
}

base::WallTime due_of(const std::string& name) {
  const RenewalDates dates{name, kStart, kStart + days(90), kStart};
  return due_by_life(dates, RenewalPolicy());
}

TEST_F(ScheduleTest, SpreadsTenThousandCertificatesOverTheirWindow) {
  for (int i = 0; i < 10'000; ++i) {
    const std::string name = "host" + std::to_string(i) + ".example";
    schedule.set(name, due_of(name));
  }
  now = kStart + days(62);
  std::vector<std::string> out;
  loop.post([this] { loop.post([this] { schedule.close(); }); });
  run_task(loop, collect(schedule, 10'000, out));
  // The window is 58.2 to 61.8 days: on day 62 all are due, on day 60 about half.
  EXPECT_EQ(out.size(), 10'000u);
  int by_day_60 = 0;
  for (const auto& name : out) {
    const auto due = due_of(name);
    EXPECT_GE(due, kStart + days(58));
    EXPECT_LE(due, kStart + days(62));
    if (due <= kStart + days(60)) ++by_day_60;
  }
  EXPECT_GT(by_day_60, 4'500);
  EXPECT_LT(by_day_60, 5'500);
}

TEST(RetryDelay, IsOneTenHundredMinutesThenADay) {
  EXPECT_EQ(retry_delay(1, 0.5), minutes(1));
  EXPECT_EQ(retry_delay(2, 0.5), minutes(10));
  EXPECT_EQ(retry_delay(3, 0.5), minutes(100));
  EXPECT_EQ(retry_delay(4, 0.5), hours(24));
  EXPECT_EQ(retry_delay(400, 0.5), hours(24));
}

TEST(RetryDelay, IsSpreadByATenthToEitherSide) {
  EXPECT_EQ(retry_delay(2, 0.0), seconds(540));
  EXPECT_GT(retry_delay(2, 0.999), seconds(650));
  EXPECT_LE(retry_delay(2, 0.999), seconds(660));
}

}  // namespace
}  // namespace gatehouse::certs::schedule_test
