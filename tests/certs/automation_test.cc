#include "certs/automation.h"

#include <gtest/gtest.h>

#include "certs/orders.h"
#include "certs/renewals.h"
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::automation_test {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

struct AutomationTest : AutomationHouse {
  void allow_all() { config.tls.on_demand.allow = {"*"}; }
};

TEST_F(AutomationTest, OrdersForTheHostsOfSitesAtStart) {
  add_site({"a.example", "b.example"});
  Process& process = start();
  until([&] { return process.certificates.size() == 2; });
  EXPECT_TRUE(process.certificates.find("a.example")->covers("a.example"));
  EXPECT_TRUE(process.certificates.find("b.example")->covers("b.example"));
  EXPECT_EQ(ca().ordered.size(), 2u);
  EXPECT_TRUE(records->records.contains("certificates/main/a.example"));
}

TEST_F(AutomationTest, TwoHundredHandshakesForOneNameAreOneOrder) {
  add_site({"*"}, true);
  allow_all();
  ca().go_on.reset();
  Process& process = start();
  std::vector<std::optional<Outcome>> answers(200);
  for (auto& answer : answers) ask_into(process, "a.example", answer);
  until([&] { return ca().running == 1; });
  settle();
  ca().go_on.set();
  until([&] { return std::ranges::all_of(answers, [](auto& a) { return a.has_value(); }); });
  for (const auto& answer : answers) {
    ASSERT_TRUE(*answer) << answer->error().detail;
    EXPECT_EQ(**answer, process.certificates.find("a.example"));
  }
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(AutomationTest, EverybodyWhoWaitsHearsOfAFailureAndNobodyOrdersAgain) {
  add_site({"*"}, true);
  allow_all();
  ca().fail("the CA cannot reach us");
  Process& process = start();
  std::vector<std::optional<Outcome>> answers(50);
  for (auto& answer : answers) ask_into(process, "a.example", answer);
  until([&] { return std::ranges::all_of(answers, [](auto& a) { return a.has_value(); }); });
  for (const auto& answer : answers) {
    ASSERT_FALSE(*answer);
    EXPECT_EQ(answer->error().detail, "the CA cannot reach us");
  }
  const Outcome again = ask(process, "a.example");
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, base::Code::kOverload);
  EXPECT_NE(again.error().detail.find("the CA cannot reach us"), std::string::npos);
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(AutomationTest, FailuresAreRetriedAfterOneTenHundredMinutesThenDailyAcrossRestarts) {
  add_site({"*"}, true);
  allow_all();
  ca().fail("no");
  const std::vector<seconds> waits{minutes(1), minutes(10), minutes(100), hours(24), hours(24)};
  for (std::size_t i = 0; i < waits.size(); ++i) {
    Process& process = start();
    EXPECT_FALSE(ask(process, "a.example"));
    EXPECT_EQ(ca().ordered.size(), i + 1);
    const auto state = failures("a.example");
    ASSERT_TRUE(state);
    EXPECT_EQ(state->count, i + 1);
    EXPECT_GE(state->next_attempt, now + waits[i] * 9 / 10);
    EXPECT_LE(state->next_attempt, now + waits[i] * 11 / 10);
    stop(process);
    // A restart does not bring the next try forward.
    Process& restarted = start();
    EXPECT_FALSE(ask(restarted, "a.example"));
    now = state->next_attempt - seconds(1);
    EXPECT_FALSE(ask(restarted, "a.example"));
    EXPECT_EQ(ca().ordered.size(), i + 1);
    stop(restarted);
    now = state->next_attempt;
  }
  ca().failure.reset();
  Process& process = start();
  EXPECT_TRUE(ask(process, "a.example"));
  EXPECT_FALSE(failures("a.example"));
}

TEST_F(AutomationTest, NamesOfSitesAreRetriedByThemselves) {
  add_site({"a.example"});
  ca().fail("no");
  Process& process = start();
  until([&] { return failures("a.example").has_value(); });
  settle();
  pass(process, seconds(30));
  settle();
  EXPECT_EQ(ca().ordered.size(), 1u);
  ca().failure.reset();
  pass(process, minutes(2));
  until([&] { return process.certificates.size() == 1; });
  until([&] { return !failures("a.example"); });
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(AutomationTest, NamesWhoseRecordsMayNotBeReadAreRetriedByThemselves) {
  add_site({"a.example"});
  ca().failure = IssueError(
      base::Error(base::Code::kDenied, base::Side::kStorage, "accounts/ca/me: Permission denied"));
  Process& process = start();
  until([&] { return failures("a.example").has_value(); });
  settle();
  ca().failure.reset();
  pass(process, minutes(2));
  until([&] { return process.certificates.size() == 1; });
}

TEST_F(AutomationTest, OtherIssuersInTheConfigurationAreTriedAtOnce) {
  add_site({"*"}, true);
  allow_all();
  ca().fail("no");
  Process& first = start();
  EXPECT_FALSE(ask(first, "a.example"));
  stop(first);
  config.tls.issuers = {acme("other")};
  Process& second = start();
  EXPECT_TRUE(ask(second, "a.example"));
  EXPECT_EQ(ca("other").ordered.size(), 1u);
}

TEST_F(AutomationTest, TheNextIssuerIsAskedWhenOneFails) {
  add_site({"a.example"});
  config.tls.issuers = {acme("first"), acme("second")};
  ca("first").fail("no");
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  EXPECT_EQ(ca("first").ordered.size(), 1u);
  EXPECT_EQ(ca("second").ordered.size(), 1u);
  EXPECT_TRUE(records->records.contains("certificates/second/a.example"));
  EXPECT_FALSE(failures("a.example"));
}

TEST_F(AutomationTest, RetryAfterOfACaIsObeyed) {
  add_site({"*"}, true);
  allow_all();
  ca().fail("slow down");
  ca().failure->not_before = base::Deadline(base::Clock::now() + hours(3));
  Process& process = start();
  EXPECT_FALSE(ask(process, "a.example"));
  const auto state = failures("a.example");
  ASSERT_TRUE(state);
  EXPECT_GE(state->next_attempt, now + hours(3) - seconds(60));
  EXPECT_LE(state->next_attempt, now + hours(3) + seconds(60));
}

TEST_F(AutomationTest, RetryAfterOfOneCaDoesNotHoldUpTheOther) {
  add_site({"*"}, true);
  allow_all();
  config.tls.issuers = {acme("first"), acme("second")};
  ca("first").fail("slow down");
  ca("first").failure->not_before = base::Deadline(base::Clock::now() + hours(3));
  ca("second").fail("no");
  Process& process = start();
  EXPECT_FALSE(ask(process, "a.example"));
  EXPECT_LE(failures("a.example")->next_attempt, now + minutes(2));
  pass(process, minutes(2));
  EXPECT_FALSE(ask(process, "a.example"));
  EXPECT_EQ(ca("first").ordered.size(), 1u);
  EXPECT_EQ(ca("second").ordered.size(), 2u);
}

TEST_F(AutomationTest, RenewsWithAThirdOfTheLifeLeftAndServesTheOldOneMeanwhile) {
  add_site({"a.example"});
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  const std::string old = serial(process.certificates.find("a.example"));
  ca().go_on.reset();
  pass(process, days(58));
  settle();
  EXPECT_EQ(ca().ordered.size(), 1u);
  pass(process, days(4));
  until([&] { return ca().running == 1; });
  EXPECT_EQ(serial(process.certificates.find("a.example")), old);
  ca().go_on.set();
  until([&] { return serial(process.certificates.find("a.example")) != old; });
  EXPECT_EQ(ca().ordered.size(), 2u);
  const auto stored = parse_record(records->records.at("certificates/main/a.example"));
  EXPECT_EQ(stored->certificate->leaf().serial, serial(process.certificates.find("a.example")));
}

TEST_F(AutomationTest, AFailingRenewalNeverDropsWhatIsServed) {
  add_site({"a.example"});
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  const auto old = process.certificates.find("a.example");
  ca().fail("the CA is down");
  for (int i = 0; i < 60; ++i) {
    pass(process, days(2));
    settle();
    ASSERT_EQ(process.certificates.find("a.example"), old);
  }
  EXPECT_GT(ca().ordered.size(), 10u);
  ca().failure.reset();
  pass(process, days(2));
  until([&] { return process.certificates.find("a.example") != old; });
}

TEST_F(AutomationTest, CertificatesOfMinutesAreRenewedToo) {
  add_site({"a.example"});
  ca().life = seconds(90);
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  for (std::size_t i = 2; i < 20; ++i) {
    now += seconds(64);
    process.automation->recheck();
    until([&] { return ca().ordered.size() == i; });
    const auto deadline = now + seconds(90);
    until([&] { return process.certificates.find("a.example")->leaf().not_after == deadline; });
  }
}

TEST_F(AutomationTest, ARestartOrdersNothingAgain) {
  add_site({"a.example"});
  add_site({"*"}, true);
  allow_all();
  Process& first = start();
  until([&] { return first.certificates.size() == 1; });
  EXPECT_TRUE(ask(first, "b.example"));
  const auto serials =
      serial(first.certificates.find("a.example")) + serial(first.certificates.find("b.example"));
  stop(first);
  Process& second = start();
  until([&] { return second.certificates.size() == 1; });
  EXPECT_TRUE(ask(second, "b.example"));
  EXPECT_EQ(
      serial(second.certificates.find("a.example")) + serial(second.certificates.find("b.example")),
      serials);
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(AutomationTest, NamesOnDemandAreRenewedAfterARestartWithoutAnyVisitor) {
  add_site({"*"}, true);
  allow_all();
  Process& first = start();
  EXPECT_TRUE(ask(first, "a.example"));
  stop(first);
  Process& second = start();
  settle();
  pass(second, days(62));
  until([&] { return ca().ordered.size() == 2; });
  until([&] { return second.certificates.find("a.example") != nullptr; });
}

TEST_F(AutomationTest, OrdersThatNobodyWillGoOnWithLeaveStorageButThoseUnderWay) {
  auto& held = records->records;
  held["orders/main/a.test"] = held["orders/main/old.test"] = "an order";
  held["orders/former-ca/a.test"] = held["orders/main/busy.test"] = "an order";
  records->leased.insert("certificates/busy.test");  // by another process
  config.sites.clear();
  add_site({"a.test"});
  const Process& process = start();
  until([&] { return !held.contains("orders/main/old.test"); });
  until([&] { return !held.contains("orders/former-ca/a.test"); });
  until([&] { return process.certificates.find_exact("a.test") != nullptr; });
  EXPECT_TRUE(held.contains("orders/main/a.test")) << "it is its issuer's to take up";
  EXPECT_TRUE(held.contains("orders/main/busy.test"));
}

TEST_F(AutomationTest, TwoProcessesOnOneStorageMakeOneOrder) {
  add_site({"a.example"});
  ca().go_on.reset();
  Process& first = start();
  Process& second = start();
  until([&] { return ca().running == 1; });
  settle();
  EXPECT_EQ(ca().ordered.size(), 1u);
  ca().go_on.set();
  until([&] { return first.certificates.size() == 1 && second.certificates.size() == 1; });
  EXPECT_EQ(ca().ordered.size(), 1u);
  EXPECT_EQ(serial(first.certificates.find("a.example")),
            serial(second.certificates.find("a.example")));
}

TEST_F(AutomationTest, TheOtherProcessHearsOfAFailureThroughStorage) {
  add_site({"*"}, true);
  allow_all();
  ca().fail("no");
  Process& first = start();
  Process& second = start();
  EXPECT_FALSE(ask(first, "a.example"));
  const Outcome other = ask(second, "a.example");
  ASSERT_FALSE(other);
  EXPECT_EQ(other.error().code, base::Code::kOverload);
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(AutomationTest, ADamagedRecordIsReplacedByANewOrder) {
  add_site({"a.example"});
  Process& first = start();
  until([&] { return first.certificates.size() == 1; });
  stop(first);
  const std::string key = "certificates/main/a.example";
  records->records[key].resize(records->records[key].size() / 2);
  Process& second = start();
  until([&] { return second.certificates.size() == 1; });
  EXPECT_TRUE(records->aside.contains(key));
  EXPECT_EQ(ca().ordered.size(), 2u);
  EXPECT_TRUE(parse_record(records->records.at(key)));
}

TEST_F(AutomationTest, ACertificateOfACaWhoseClockIsABitAheadIsServedAndNotOrderedAgain) {
  add_site({"*"}, true);
  allow_all();
  ca().ahead = seconds(30);
  Process& first = start();
  ASSERT_TRUE(ask(first, "a.example"));
  ASSERT_TRUE(ask(first, "a.example"));
  stop(first);
  ASSERT_TRUE(ask(start(), "a.example"));
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(AutomationTest, AnExpiredRecordIsNotServed) {
  add_site({"*"}, true);
  allow_all();
  Process& first = start();
  EXPECT_TRUE(ask(first, "a.example"));
  stop(first);
  now += days(91);
  Process& second = start();
  const Outcome fresh = ask(second, "a.example");
  ASSERT_TRUE(fresh);
  EXPECT_TRUE((*fresh)->valid_at(now));
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(AutomationTest, AnExpiredCertificateIsReplacedAtAHandshakeAndElseBetterThanNone) {
  add_site({"a.example"});
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  const auto old = process.certificates.find("a.example");
  ca().fail("the CA is down");
  now += days(100);
  EXPECT_EQ(ask(process, "a.example").value(), old);
  EXPECT_EQ(ask(process, "a.example").value(), old);
  EXPECT_EQ(ca().ordered.size(), 2u);
  ca().failure.reset();
  now += minutes(2);
  EXPECT_TRUE(ask(process, "a.example").value()->valid_at(now));
}

TEST_F(AutomationTest, StorageThatIsTooBusyIsNotTakenForEmpty) {
  add_site({"*"}, true);
  allow_all();
  Process& first = start();
  EXPECT_TRUE(ask(first, "a.example"));
  stop(first);
  Process& second = start();
  settle();
  second.storage.fail_loads = true;
  second.storage.failure = base::Code::kOverload;
  EXPECT_EQ(ask(second, "a.example").error().code, base::Code::kOverload);
  second.storage.fail_loads = false;
  EXPECT_TRUE(ask(second, "a.example"));
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(AutomationTest, WithoutStorageCertificatesAreServedFromMemoryAndStoredLater) {
  add_site({"a.example"});
  processes.reserve(8);
  ca().go_on.reset();
  Process& process = start();
  until([&] { return ca().running == 1; });
  process.storage.fail_stores = true;
  ca().go_on.set();
  until([&] { return process.certificates.size() == 1; });
  EXPECT_FALSE(records->records.contains("certificates/main/a.example"));
  process.storage.fail_stores = false;
  stop(process);
  EXPECT_TRUE(records->records.contains("certificates/main/a.example"));
}

TEST_F(AutomationTest, StoppingAnswersWhoWaitsAndRefusesWhoComes) {
  add_site({"*"}, true);
  allow_all();
  ca().go_on.reset();
  Process& process = start();
  std::optional<Outcome> waiting;
  ask_into(process, "a.example", waiting);
  until([&] { return ca().running == 1; });
  base::Gate gate(loop);
  gate.spawn(process.automation->stop(base::Deadline::in(base::Duration(30'000))), "stop");
  until([&] { return waiting.has_value(); });
  EXPECT_EQ(waiting->error().code, base::Code::kCancelled);
  EXPECT_EQ(ask(process, "b.example").error().code, base::Code::kCancelled);
  // The order in flight ends well and is kept.
  ca().go_on.set();
  EXPECT_TRUE(run_task(loop, gate.close()));
  EXPECT_TRUE(records->records.contains("certificates/main/a.example"));
  process.automation.reset();
}

TEST_F(AutomationTest, StopsAtItsDeadlineThoughAnOrderHangs) {
  add_site({"*"}, true);
  allow_all();
  ca().go_on.reset();
  Process& process = start();
  std::optional<Outcome> waiting;
  ask_into(process, "a.example", waiting);
  until([&] { return ca().running == 1; });
  run_task(loop, process.automation->stop(base::Deadline(base::Clock::now())));
  ASSERT_TRUE(waiting);
  EXPECT_EQ(waiting->error().code, base::Code::kCancelled);
  process.automation.reset();
}

TEST_F(AutomationTest, NewNamesAMinuteAreBounded) {
  add_site({"*"}, true);
  AskServer server(loop);
  config.tls.on_demand.ask = server.url("/ok");
  config.limits.new_names_per_minute = 3;
  Process& process = start();
  for (const char* name : {"a.example", "b.example", "c.example"}) {
    EXPECT_TRUE(ask(process, name)) << name;
  }
  EXPECT_EQ(ask(process, "d.example").error().code, base::Code::kOverload);
  EXPECT_TRUE(ask(process, "a.example"));
  EXPECT_EQ(server.targets().size(), 3u);
  EXPECT_EQ(process.abuse.of(base::Abuse::kNewNames), 1u);
}

TEST_F(AutomationTest, OrdersAtOnceAreBounded) {
  add_site({"*"}, true);
  allow_all();
  config.limits.orders = 2;
  ca().go_on.reset();
  Process& process = start();
  std::vector<std::optional<Outcome>> answers(10);
  for (std::size_t i = 0; i < answers.size(); ++i) {
    ask_into(process, "n" + std::to_string(i) + ".example", answers[i]);
  }
  until([&] { return ca().running == 2; });
  settle();
  ca().go_on.set();
  until([&] { return std::ranges::all_of(answers, [](auto& a) { return a && a->has_value(); }); });
  EXPECT_EQ(ca().most_running, 2u);
  EXPECT_EQ(ca().ordered.size(), 10u);
  EXPECT_EQ(process.abuse.of(base::Abuse::kOrders), 8u);
}

TEST_F(AutomationTest, LoadsManyCertificatesOfSitesWithoutOneOrder) {
  std::vector<std::string> hosts;
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  for (int i = 0; i < 1000; ++i) {
    hosts.push_back("h" + std::to_string(i) + ".example");
    Record record;
    record.issuer = "main";
    record.names = {hosts.back()};
    record.obtained = now;
    record.certificate = make_certificate(key, {hosts.back()}, now, now + days(90));
    records->records["certificates/main/" + hosts.back()] = to_text(record);
  }
  add_site(hosts);
  Process& process = start();
  until([&] { return process.certificates.size() == 1000; });
  EXPECT_TRUE(ca().ordered.empty());
}

TEST_F(AutomationTest, AddressesThatAreHostsOfSitesGetCertificatesAndOthersDoNot) {
  add_site({"192.0.2.1", "2001:db8::1"});
  add_site({"*"}, true);
  config.tls.on_demand.allow = {"*"};
  Process& process = start();
  EXPECT_TRUE(ask(process, "192.0.2.1"));
  EXPECT_TRUE(ask(process, "2001:db8::1"));
  EXPECT_FALSE(ask(process, "192.0.2.2"));
  EXPECT_TRUE(records->records.contains("certificates/main/2001_db8__1"));
}

}  // namespace
}  // namespace gatehouse::certs::automation_test
