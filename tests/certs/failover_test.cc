// Which issuer is asked after which failure, and when none is.
#include "certs/breaker.h"
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::failover_test {
namespace {

using std::chrono::days;
using std::chrono::minutes;

struct FailoverTest : AutomationHouse {
  FailoverTest() {
    add_site({"a.example"});
    config.tls.issuers.emplace_back(acme("second"));
  }
  std::size_t first() { return ca("main").ordered.size(); }
  std::size_t second() { return ca("second").ordered.size(); }
  // Many names, each on demand, so that each handshake is an order.
  Process& open_to_all() {
    config.sites.clear();
    config.tls.on_demand.allow = {"*.example"};
    add_site({"*"}, true);
    return start();
  }
};

TEST_F(FailoverTest, AnotherCaIsAskedWhenOneRefusesTheName) {
  ca("main").fail("caa");
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  EXPECT_EQ(first(), 1u);
  EXPECT_EQ(second(), 1u);
}

TEST_F(FailoverTest, NoOtherCaIsAskedWhenTheNameWasSeenFromOutsideAndFoundWrong) {
  ca("main").not_found_at_name();
  Process& process = start();
  until([&] { return failures("a.example").has_value(); });
  settle();
  EXPECT_EQ(first(), 1u);
  EXPECT_EQ(second(), 0u);
  EXPECT_EQ(process.certificates.size(), 0u);
}

TEST_F(FailoverTest, TheInternalCaNeedsNotSeeTheName) {
  config.tls.issuers.emplace_back(config::InternalIssuer());
  ca("main").not_found_at_name();
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  EXPECT_EQ(second(), 0u);
  EXPECT_EQ(ca("internal").ordered.size(), 1u);
}

// The CA is down, and the internal one, the last of the list, signs.
struct StandInTest : FailoverTest {
  StandInTest() {
    config.tls.issuers.pop_back();
    config.tls.issuers.emplace_back(config::InternalIssuer());
    ca("internal").life = days(7);
    ca("main").break_down();
  }
  std::size_t internal() { return ca("internal").ordered.size(); }
  std::string served(Process& process) {
    return serial(process.certificates.find_exact("a.example"));
  }
  Process& start_with_stand_in() {
    Process& process = start();
    until([&] { return process.certificates.size() == 1; });
    until([&] { return failures("a.example").has_value(); });
    settle();
    return process;
  }
  // Lets the next try begin and end.
  void try_again(Process& process) {
    const std::size_t before = first();
    pass(process, failures("a.example")->next_attempt - now + minutes(1));
    until([&] { return first() == before + 1; });
    settle();
  }
};

TEST_F(StandInTest, TheCaIsAskedAgainSoonAndItsCertificateServed) {
  Process& process = start_with_stand_in();
  EXPECT_LE(failures("a.example")->next_attempt, now + minutes(3));
  const std::string first_served = served(process);
  ca("main").failure.reset();
  try_again(process);
  until([&] { return served(process) != first_served; });
  until([&] { return !failures("a.example").has_value(); });
  EXPECT_EQ(internal(), 1u);
  EXPECT_EQ(first(), 2u);
}

TEST_F(StandInTest, WhileTheCaIsDownTheInternalOneSignsNotBeforeItsOwnIsDue) {
  Process& process = start_with_stand_in();
  const std::string first_served = served(process);
  for (int i = 0; i < 5; ++i) try_again(process);
  EXPECT_EQ(internal(), 1u);
  EXPECT_EQ(served(process), first_served);
  for (int i = 0; i < 100 && internal() == 1; ++i) try_again(process);
  EXPECT_EQ(internal(), 2u);
  EXPECT_NE(served(process), first_served);
}

TEST_F(StandInTest, ARestartKeepsToTheWaitAndServesWhatStandsIn) {
  stop(start_with_stand_in());
  Process& again = start();
  until([&] { return again.certificates.size() == 1; });
  settle();
  EXPECT_EQ(first(), 1u);
  EXPECT_EQ(internal(), 1u);
  ca("main").failure.reset();
  try_again(again);
  EXPECT_EQ(first(), 2u);
}

TEST_F(StandInTest, OfANameOnDemandIsReplacedThoughNobodyAsksForItAfterARestart) {
  config.sites.clear();
  config.tls.on_demand.allow = {"a.example"};
  add_site({"*"}, true);
  Process& process = start();
  EXPECT_TRUE(ask(process, "a.example"));
  until([&] { return failures("a.example").has_value(); });
  settle();
  stop(process);
  ca("main").failure.reset();
  Process& again = start();
  settle();
  EXPECT_EQ(first(), 1u);
  try_again(again);
  EXPECT_EQ(first(), 2u);
  EXPECT_EQ(internal(), 1u);
}

TEST_F(StandInTest, WhoDemandsARenewalGetsItFromTheCa) {
  Process& process = start_with_stand_in();
  ca("main").failure.reset();
  pass(process, minutes(0));
  const auto done = run_task(loop, process.automation->renew({"a.example"}, true));
  ASSERT_TRUE(done) << done.error().detail;
  EXPECT_EQ(first(), 2u);
  EXPECT_EQ(internal(), 1u);
}

TEST_F(StandInTest, NoneTakesThePlaceOfACertificateOfTheCaBeforeItsLastHours) {
  ca("main").failure.reset();
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  settle();
  ca("main").break_down();
  for (int day = 0; day < 89; ++day) {
    pass(process, days(1));
    settle();
  }
  EXPECT_GT(first(), 20u);
  EXPECT_EQ(internal(), 0u);
  for (int hour = 0; hour < 24 && internal() == 0; ++hour) {
    pass(process, std::chrono::hours(1));
    settle();
  }
  EXPECT_EQ(internal(), 1u);
}

TEST_F(StandInTest, NoneTakesThePlaceOfACertificateOfAFormerCaBeforeItsLastHours) {
  const auto issuers = config.tls.issuers;
  config.tls.issuers.clear();
  config.tls.issuers.emplace_back(acme("former"));
  Process& before = start();
  until([&] { return before.certificates.size() == 1; });
  settle();
  const std::string of_former = served(before);
  stop(before);
  config.tls.issuers = issuers;
  Process& process = start();
  until([&] { return first() == 1; });
  settle();
  for (int day = 0; day < 89; ++day) {
    pass(process, days(1));
    settle();
  }
  EXPECT_EQ(internal(), 0u);
  EXPECT_EQ(served(process), of_former);
  for (int hour = 0; hour < 24 && internal() == 0; ++hour) {
    pass(process, std::chrono::hours(1));
    settle();
  }
  EXPECT_EQ(internal(), 1u);
}

TEST_F(FailoverTest, ARenewalBeginsWithTheCaThatIssued) {
  ca("main").fail("rejected");
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  ca("main").failure.reset();
  pass(process, days(62));
  until([&] { return second() == 2; });
  EXPECT_EQ(first(), 1u);
}

TEST_F(FailoverTest, ARenewalWaitsForItsCaToMendWhileThereIsTime) {
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  ca("main").break_down();
  pass(process, days(62));
  until([&] { return first() == 2; });
  settle();
  EXPECT_EQ(second(), 0u);
  for (int day = 63; day < 78 && second() == 0; ++day) {
    pass(process, days(1));
    settle();
  }
  EXPECT_EQ(second(), 1u);  // a sixth of the life was left
}

TEST_F(FailoverTest, ARenewalWaitsAlsoWhenOtherNamesFoundItsCaBroken) {
  config.tls.on_demand.allow = {"*.example"};
  add_site({"*"}, true);
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  settle();  // so that nobody looks at the clock before all is said
  ca("main").break_down();
  now += days(62);
  for (unsigned i = 0; i < Breaker::kFailures; ++i) {
    EXPECT_TRUE(ask(process, "n" + std::to_string(i) + ".example"));
  }
  pass(process, minutes(0));
  until([&] { return failures("a.example").has_value(); });
  settle();
  EXPECT_EQ(first(), 1 + Breaker::kFailures);
  EXPECT_EQ(second(), Breaker::kFailures);
}

TEST_F(FailoverTest, NotEveryNameTriesACaThatErrsForEverybody) {
  ca("main").break_down();
  Process& process = open_to_all();
  for (int i = 0; i < 50; ++i) EXPECT_TRUE(ask(process, "n" + std::to_string(i) + ".example"));
  EXPECT_EQ(first(), Breaker::kFailures);
  EXPECT_EQ(second(), 50u);
}

TEST_F(FailoverTest, RetryAfterForEverybodyIsObeyedByEveryName) {
  ca("main").break_down();
  ca("main").failure->not_before = base::Deadline(base::Clock::now() + std::chrono::hours(2));
  Process& process = open_to_all();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(ask(process, "n" + std::to_string(i) + ".example"));
  EXPECT_EQ(first(), 1u);
  now += minutes(110);
  EXPECT_TRUE(ask(process, "x.example"));
  EXPECT_EQ(first(), 1u);
  now += minutes(11);
  EXPECT_TRUE(ask(process, "y.example"));
  EXPECT_EQ(first(), 2u);
}

TEST_F(FailoverTest, ARestartDoesNotForgetThatACaWantsToBeLeftAlone) {
  ca("main").break_down();
  ca("main").failure->not_before = base::Deadline(base::Clock::now() + std::chrono::hours(2));
  EXPECT_TRUE(ask(open_to_all(), "a.example"));
  stop(*processes.back());
  for (int i = 0; i < 4; ++i) {
    Process& process = start();
    EXPECT_TRUE(ask(process, "n" + std::to_string(i) + ".example"));
    stop(process);
  }
  EXPECT_EQ(first(), 1u);
  now += minutes(121);
  ca("main").failure.reset();
  EXPECT_TRUE(ask(start(), "x.example"));
  EXPECT_EQ(first(), 2u);
  EXPECT_FALSE(records->records.contains("breakers/main"));
}

TEST_F(FailoverTest, AnOrderHasTheTimeThatOneOfItsIssuersWants) {
  ca("second").extra = base::Duration(1'320'000);
  ca("main").fail("caa");
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  const auto left = ca("second").deadline.at() - base::Clock::now();
  EXPECT_GT(left, minutes(26));
  EXPECT_LE(left, minutes(27));
}

TEST_F(FailoverTest, OneOrderSeesWhetherTheCaHasMended) {
  ca("main").break_down();
  Process& process = open_to_all();
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(ask(process, "n" + std::to_string(i) + ".example"));
  now += Breaker::kFirstPause;
  EXPECT_TRUE(ask(process, "x.example"));
  EXPECT_TRUE(ask(process, "y.example"));
  EXPECT_EQ(first(), Breaker::kFailures + 1);
  ca("main").failure.reset();
  now += Breaker::kLongestPause;
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(ask(process, "z" + std::to_string(i) + ".example"));
  EXPECT_EQ(first(), Breaker::kFailures + 11);
}

TEST_F(FailoverTest, ANameThatFoundEveryCaBrokenIsNotPunishedForIt) {
  config.tls.issuers.pop_back();
  ca("main").break_down();
  Process& process = open_to_all();
  for (unsigned i = 0; i < Breaker::kFailures; ++i) {
    EXPECT_FALSE(ask(process, "n" + std::to_string(i) + ".example"));
  }
  EXPECT_FALSE(ask(process, "late.example"));
  EXPECT_EQ(first(), Breaker::kFailures);
  EXPECT_EQ(failures("late.example")->count, 1u);
  EXPECT_GE(failures("late.example")->next_attempt, now + Breaker::kFirstPause);
  EXPECT_LE(failures("late.example")->next_attempt, now + minutes(3));
  ca("main").failure.reset();
  now = failures("late.example")->next_attempt;
  EXPECT_TRUE(ask(process, "late.example"));
}

TEST_F(FailoverTest, WhatAPersonMustMendIsNotTriedEveryMinute) {
  config.tls.issuers.pop_back();
  ca("main").fail("caa");
  ca("main").failure->lasting = true;
  start();
  until([&] { return failures("a.example").has_value(); });
  EXPECT_GE(failures("a.example")->next_attempt, now + minutes(90));
  EXPECT_LE(failures("a.example")->next_attempt, now + minutes(110));
}

TEST_F(FailoverTest, TroubleOfTheCaNeverMakesANameWaitADay) {
  config.tls.issuers.pop_back();
  ca("main").break_down();
  Process& process = start();
  for (int i = 0; i < 100; ++i) {
    until([&] { return failures("a.example").has_value(); });
    settle();
    EXPECT_LE(failures("a.example")->next_attempt, now + minutes(120));
    pass(process, minutes(30));
  }
}

}  // namespace
}  // namespace gatehouse::certs::failover_test
