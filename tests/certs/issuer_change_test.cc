// Another issuer in the configuration than the one that signed what storage holds.
#include <gmock/gmock.h>

#include "certs/orders.h"
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::issuer_change_test {
namespace {

using std::chrono::days;
using std::chrono::hours;

struct IssuerChangeTest : AutomationHouse {
  // A process of an earlier life has obtained one from "main"; now the configuration names "next".
  std::string changed(bool on_demand, bool replace) {
    config.tls.on_demand.allow = {"a.example"};
    config.tls.renewal.replace_former = replace;
    add_site({"a.example"}, on_demand);
    Process& before = start();
    const std::string first = serial(ask(before, "a.example").value());
    stop(before);
    config.tls.issuers.clear();
    config.tls.issuers.emplace_back(acme("next"));
    return first;
  }
  std::string served(Process& process) {
    return serial(process.certificates.find_exact("a.example"));
  }
};

TEST_F(IssuerChangeTest, ServesTheOldCertificateUntilTheNewIssuerHasSigned) {
  const std::string first = changed(false, true);
  ca("next").go_on.reset();
  Process& process = start();
  until([&] { return !ca("next").ordered.empty(); });
  EXPECT_EQ(served(process), first);
  ca("next").go_on.set();
  until([&] { return served(process) != first; });
}

TEST_F(IssuerChangeTest, ReplacesAFewAtOnceAndTheRestAtAnOrderlyPace) {
  std::vector<std::string> hosts;
  for (int i = 0; i < 60; ++i) hosts.push_back("n" + std::to_string(i) + ".example");
  add_site(hosts);
  Process& before = start();
  until([&] { return before.certificates.size() == 60; });
  settle();
  stop(before);
  config.tls.issuers.clear();
  config.tls.issuers.emplace_back(acme("next"));
  const auto ordered = [&] { return ca("next").ordered.size(); };
  Process& process = start();
  until([&] { return ordered() >= Orders::kReplacedAtOnce; });
  settle();
  EXPECT_LE(ordered(), Orders::kReplacedAtOnce + 2);
  EXPECT_EQ(process.certificates.size(), 60u);
  pass(process, hours(3));
  until([&] { return ordered() >= 20; });
  settle();
  EXPECT_LE(ordered(), 50u);
  pass(process, hours(3));
  until([&] { return ordered() == 60; });
}

TEST_F(IssuerChangeTest, ReplacesWhatIsOnDemandThoughNobodyAsks) {
  const std::string first = changed(true, true);
  Process& process = start();
  until([&] { return served(process) != "none"; });
  EXPECT_NE(served(process), first);
  settle();
  stop(process);
  // What the old one signed lies in storage still: it is not replaced a second time.
  Process& again = start();
  settle();
  EXPECT_EQ(served(again), "none");
  EXPECT_EQ(ca("next").ordered.size(), 1u);
}

TEST_F(IssuerChangeTest, WaitsForTheRenewalWhereThatIsWanted) {
  const std::string first = changed(false, false);
  Process& process = start();
  until([&] { return served(process) == first; });
  pass(process, days(30));
  settle();
  EXPECT_EQ(served(process), first);
  EXPECT_TRUE(ca("next").ordered.empty());
  pass(process, days(35));
  until([&] { return served(process) != first; });
}

TEST_F(IssuerChangeTest, WhatAPersonDemandedWhileNobodyRanIsDoneAtTheNextStart) {
  for (const bool on_demand : {false, true}) {
    records->records.clear();
    config.sites.clear();
    config.tls.issuers = {acme("main")};
    ca("next").ordered.clear();
    const std::string first = changed(on_demand, false);
    const auto outcomes = run_task(loop, make().automation->renew({"a.example"}, false));
    ASSERT_TRUE(outcomes);
    EXPECT_EQ(outcomes->front().outcome, "due");
    start();
    until([&] { return !ca("next").ordered.empty(); });
  }
}

TEST_F(IssuerChangeTest, WaitsForTheRenewalOfWhatIsOnDemandToo) {
  const std::string first = changed(true, false);
  Process& process = start();
  EXPECT_EQ(serial(ask(process, "a.example").value()), first);
  pass(process, days(30));
  settle();
  EXPECT_TRUE(ca("next").ordered.empty());
  stop(process);
  Process& again = start();
  settle();
  EXPECT_TRUE(ca("next").ordered.empty());
  pass(again, days(35));
  until([&] { return served(again) != "none" && served(again) != first; });
}

TEST_F(IssuerChangeTest, OrdersNothingForWhatWasRevokedAndIsNotToBeReplaced) {
  for (const bool on_demand : {false, true}) {
    records->records.clear();
    config.sites.clear();
    config.tls.issuers = {config::Issuer(acme("main"))};
    (void)changed(on_demand, true);
    Record record = parse_record(records->records.at("certificates/main/a.example")).value();
    record.revoked.emplace();
    record.revoked->told = true;
    record.revoked->replace = false;
    records->records["certificates/main/a.example"] = to_text(record);
    Process& process = start();
    for (int i = 0; i < 2; ++i) {
      const Outcome outcome = ask(process, "a.example");
      ASSERT_FALSE(outcome);
      EXPECT_THAT(outcome.error().detail, ::testing::HasSubstr("is not to be replaced"));
      pass(process, days(1));
    }
    settle();
    EXPECT_TRUE(ca("next").ordered.empty());
    // What comes by another way is renewed: the old mark is of the old one.
    record.revoked.reset();
    record.issuer = "next";
    const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
    record.certificate = make_certificate(key, {"a.example"}, now, now + days(30));
    records->records["certificates/next/a.example"] = to_text(record);
    ASSERT_TRUE(run_task(loop, process.automation->changed({"a.example"})));
    pass(process, days(25));
    until([&] { return !ca("next").ordered.empty(); });
    stop(process);
    ca("next").ordered.clear();
  }
}

// Where hosts come to share a certificate just when the CA changes, and the new one errs.
struct JointIssuerChangeTest : AutomationHouse {
  // An earlier life got certificates from "main"; now "next" is to sign one for these.
  void change_to(std::vector<std::string> hosts) {
    Process& before = start();
    for (const char* name : {"a.example", "b.example"}) {
      old[name] = serial(ask(before, name).value());
    }
    settle();
    stop(before);
    config.sites.clear();
    add_site(std::move(hosts)).tls.one_certificate = true;
    config.tls.issuers = {config::Issuer(acme("next"))};
    ca("next").break_down();
  }
  std::string served(Process& process, const std::string& name) {
    return serial(process.certificates.find_exact(name));
  }
  std::map<std::string, std::string> old;
};

TEST_F(JointIssuerChangeTest, EachNameKeepsTheOneThatItHad) {
  add_site({"a.example", "b.example"});
  change_to({"a.example", "b.example"});
  Process& process = start();
  until([&] { return failures("a.example").has_value(); });
  EXPECT_NE(old["a.example"], old["b.example"]);
  EXPECT_EQ(served(process, "a.example"), old["a.example"]);
  EXPECT_EQ(served(process, "b.example"), old["b.example"]);
  ca("next").failure.reset();
  pass(process, days(1));
  until([&] { return served(process, "b.example") != old["b.example"]; });
  EXPECT_EQ(served(process, "a.example"), served(process, "b.example"));
}

TEST_F(JointIssuerChangeTest, TheOldNamesKeepTheirsWhenANewOneComesFirst) {
  add_site({"a.example", "b.example"}).tls.one_certificate = true;
  ca().life = days(10);
  change_to({"new.example", "a.example", "b.example"});
  now += days(9) + hours(20);
  Process& process = start();
  until([&] { return failures("new.example").has_value(); });
  for (const char* name : {"a.example", "b.example"}) {
    EXPECT_EQ(served(process, name), old[name]) << name;
  }
  EXPECT_EQ(served(process, "new.example"), "none");
  // However often it fails, it is tried again in a quarter of what is left.
  while (now < failures("new.example")->next_attempt) pass(process, std::chrono::minutes(1));
  until([&] { return failures("new.example")->count > 1; });
  while (now < failures("new.example")->next_attempt) pass(process, std::chrono::minutes(1));
  until([&] { return failures("new.example")->count > 2; });
  EXPECT_LE(failures("new.example")->next_attempt, now + hours(1) + std::chrono::minutes(1));
}

}  // namespace
}  // namespace gatehouse::certs::issuer_change_test
