#include "certs/renewal_plan.h"

#include <gtest/gtest.h>

namespace gatehouse::certs::renewal_plan_test {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

const base::WallTime kStart{seconds(1'800'000'000)};

RenewalDates dates(seconds life, std::string_view name = "a.example") {
  return {name, kStart, kStart + life, kStart};
}
base::WallTime by_life(const RenewalDates& dates) { return due_by_life(dates, RenewalPolicy()); }

acme::RenewalInfo window(base::WallTime start, base::WallTime end) {
  acme::RenewalInfo info;
  info.start = start;
  info.end = end;
  info.ask_again = hours(6);
  return info;
}
base::WallTime by_plan(const RenewalDates& dates, base::WallTime chosen) {
  RenewalPlan plan;
  plan.chosen = chosen;
  return due_by_plan(dates, plan);
}

TEST(DueByLife, LeavesAThirdOfNinetyDaysSpreadByTheName) {
  const auto due = by_life(dates(days(90)));
  EXPECT_NEAR((due - kStart).count(), seconds(days(60)).count(), seconds(days(2)).count());
  EXPECT_EQ(due, by_life(dates(days(90))));
  EXPECT_NE(due, by_life(dates(days(90), "b.example")));
}

TEST(DueByLife, LeavesHalfOfSixDays) {
  const auto due = by_life(dates(hours(160)));
  EXPECT_NEAR((due - kStart).count(), seconds(hours(80)).count(), seconds(hours(4)).count());
}

TEST(DueByLife, IsExactToSecondsForCertificatesOfMinutes) {
  const auto due = by_life(dates(seconds(60)));
  EXPECT_GE(due, kStart + seconds(29));
  EXPECT_LE(due, kStart + seconds(31));
}

TEST(DueByLife, LeavesWhatTheConfigurationSays) {
  RenewalPolicy policy;
  policy.left_percent = 75;
  for (const seconds life : {seconds(days(90)), seconds(hours(160))}) {
    const auto due = due_by_life(dates(life), policy);
    EXPECT_NEAR((due - kStart).count(), life.count() / 4, life.count() / 50);
  }
}

TEST(DueByLife, IsNeverPastTheEmergencyLineHoweverLateTheConfigurationSays) {
  RenewalPolicy policy;
  policy.left_percent = 1;
  for (int i = 0; i < 200; ++i) {
    const std::string name = "host" + std::to_string(i) + ".example";
    const RenewalDates late = dates(hours(160), name);
    EXPECT_LE(due_by_life(late, policy), emergency_line(late)) << name;
  }
}

TEST(DueByLife, CountsFromTheMomentItWasObtainedWhenTheCaDatesBack) {
  RenewalDates backdated = dates(minutes(70));
  backdated.obtained = kStart + hours(1);
  const auto due = by_life(backdated);
  EXPECT_GT(due, backdated.obtained + minutes(4));
  EXPECT_LT(due, backdated.obtained + minutes(6));
}

TEST(DueByLife, IsNeverTheMomentOfIssueItself) {
  RenewalDates late = dates(seconds(1));
  late.obtained = kStart + seconds(5);
  EXPECT_EQ(by_life(late), kStart + seconds(5) + kSettle);
}

TEST(DueByPlan, IsTheChosenMomentWhereverTheLifeStands) {
  EXPECT_EQ(by_plan(dates(days(90)), kStart + days(30)), kStart + days(30));
  EXPECT_EQ(by_plan(dates(days(90)), kStart + days(80)), kStart + days(80));
}

TEST(DueByPlan, IsAtOnceForAWindowInThePastButNotAgainAndAgain) {
  EXPECT_EQ(by_plan(dates(days(90)), kStart - days(1)), kStart + hours(1));
  EXPECT_EQ(by_plan(dates(minutes(100)), kStart - days(1)), kStart + minutes(2));
}

TEST(DueByPlan, DoesNotWaitPastTheEmergencyLine) {
  const auto far = kStart + days(1000);
  EXPECT_EQ(by_plan(dates(days(90)), far), kStart + days(90) - hours(12));
  EXPECT_EQ(by_plan(dates(hours(160)), far), kStart + hours(160) - hours(12));
  EXPECT_EQ(by_plan(dates(hours(40)), far), kStart + hours(36));
  EXPECT_EQ(by_plan(dates(hours(10)), far), kStart + hours(8));
  EXPECT_EQ(by_plan(dates(hours(1)), far), kStart + minutes(45));
}

TEST(PlanRenewal, ChoosesAMomentInTheWindowAndWhenToAskAgain) {
  const auto info = window(kStart, kStart + days(2));
  const auto first = plan_renewal("01", info, std::nullopt, kStart, 0.0);
  const auto last = plan_renewal("01", info, std::nullopt, kStart, 0.999'999);
  EXPECT_EQ(first.chosen, kStart);
  EXPECT_GT(last.chosen, kStart + days(2) - minutes(1));
  EXPECT_LT(last.chosen, kStart + days(2));
  EXPECT_EQ(first.ask_again, kStart + hours(6));
}

TEST(PlanRenewal, KeepsTheMomentWhileTheWindowStandsAndTheCertificateIsTheSame) {
  const auto info = window(kStart, kStart + days(2));
  const auto plan = plan_renewal("01", info, std::nullopt, kStart, 0.25);
  EXPECT_EQ(plan_renewal("01", info, plan, kStart, 0.75).chosen, plan.chosen);
  EXPECT_NE(plan_renewal("02", info, plan, kStart, 0.75).chosen, plan.chosen);
  const auto moved = window(kStart, kStart + days(3));
  EXPECT_NE(plan_renewal("01", moved, plan, kStart, 0.75).chosen, plan.chosen);
}

TEST(PlanRenewal, KeepsWhatAPersonDemandedOfTheSameCertificate) {
  const auto info = window(kStart, kStart + days(2));
  auto plan = plan_renewal("01", info, std::nullopt, kStart, 0.25);
  EXPECT_FALSE(parse_renewal_plan(to_text(plan))->demanded);
  plan.demanded = kStart;
  EXPECT_EQ(parse_renewal_plan(to_text(plan))->demanded, kStart);
  const auto moved = window(kStart, kStart + days(3));
  EXPECT_EQ(plan_renewal("01", moved, plan, kStart, 0.75).demanded, kStart);
  EXPECT_FALSE(plan_renewal("02", moved, plan, kStart, 0.75).demanded);
}

TEST(RenewalPlan, IsReadAsItWasWritten) {
  const auto plan =
      plan_renewal("01ab", window(kStart, kStart + days(2)), std::nullopt, kStart, 0.5);
  const auto read = parse_renewal_plan(to_text(plan));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->serial, plan.serial);
  EXPECT_EQ(read->start, plan.start);
  EXPECT_EQ(read->end, plan.end);
  EXPECT_EQ(read->chosen, plan.chosen);
  EXPECT_EQ(read->ask_again, plan.ask_again);
  for (const char* text : {"", "{}", R"({"version":2})", R"({"version":1,"serial":"01"})"}) {
    EXPECT_EQ(parse_renewal_plan(text).error().code, base::Code::kDamaged) << text;
  }
}

}  // namespace
}  // namespace gatehouse::certs::renewal_plan_test
