#include "certs/on_demand.h"

#include <gtest/gtest.h>

#include "tests/certs/automation_house.h"

namespace gatehouse::certs::on_demand_test {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

TEST(TokenBucket, GivesAMinutesWorthAtOnceAndRefillsEvenly) {
  TokenBucket bucket(60);
  const base::TimePoint start = base::Clock::now();
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(bucket.take(start)) << i;
  EXPECT_FALSE(bucket.take(start));
  EXPECT_FALSE(bucket.take(start + base::Duration(900)));
  EXPECT_TRUE(bucket.take(start + base::Duration(1100)));
  EXPECT_FALSE(bucket.take(start + base::Duration(1100)));
  for (int i = 0; i < 60; ++i) EXPECT_TRUE(bucket.take(start + hours(1))) << i;
  EXPECT_FALSE(bucket.take(start + hours(1)));
}

TEST(TokenBucket, ZeroIsNoLimit) {
  TokenBucket bucket(0);
  for (int i = 0; i < 10'000; ++i) ASSERT_TRUE(bucket.take(base::TimePoint()));
}

struct OnDemandTest : AutomationHouse {
  OnDemandTest() { config.tls.on_demand.timeout = base::Duration(1'000); }
  AskServer server{loop};

  void use_ask() { config.tls.on_demand.ask = server.url("/allowed"); }
};

TEST_F(OnDemandTest, OrdersOnlyForNamesThatTheApplicationSaysYesTo) {
  add_site({"*"}, true);
  use_ask();
  server.answer("no.example", 404);
  server.answer("slow.example", 0);
  Process& process = start();
  EXPECT_TRUE(ask(process, "yes.example"));
  EXPECT_EQ(ask(process, "no.example").error().code, base::Code::kDenied);
  EXPECT_EQ(ask(process, "slow.example").error().code, base::Code::kDenied);
  server.die();
  EXPECT_EQ(ask(process, "dead.example").error().code, base::Code::kDenied);
  EXPECT_EQ(ca().ordered, std::vector<std::string>{"yes.example"});
}

TEST_F(OnDemandTest, WithoutAllowAndAskNoNameIsAllowed) {
  add_site({"*"}, true);
  Process& process = start();
  EXPECT_EQ(ask(process, "a.example").error().code, base::Code::kDenied);
  EXPECT_TRUE(ca().ordered.empty());
}

TEST_F(OnDemandTest, ADeadApplicationTakesNoCertificateAwayFromNamesThatHaveOne) {
  add_site({"*"}, true);
  use_ask();
  Process& first = start();
  EXPECT_TRUE(ask(first, "a.example"));
  stop(first);
  server.die();
  Process& second = start();
  EXPECT_TRUE(ask(second, "a.example"));
  EXPECT_FALSE(ask(second, "b.example"));
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(OnDemandTest, ANoIsANoAlsoForNamesThatHaveACertificate) {
  add_site({"*"}, true);
  use_ask();
  Process& first = start();
  EXPECT_TRUE(ask(first, "a.example"));
  stop(first);
  server.answer("a.example", 403);
  Process& second = start();
  EXPECT_EQ(ask(second, "a.example").error().code, base::Code::kDenied);
}

TEST_F(OnDemandTest, RefusesWhatIsNoHostNameWithoutAsking) {
  add_site({"*"}, true);
  use_ask();
  Process& process = start();
  for (const char* name : {"", "1.2.3.4", "a_b.example", "-a.example", "a..example", "*.example"}) {
    EXPECT_EQ(ask(process, name).error().code, base::Code::kDenied) << name;
  }
  EXPECT_TRUE(server.targets().empty());
}

TEST_F(OnDemandTest, RenewsNamesOnDemandAfterAskingAgain) {
  add_site({"*"}, true);
  use_ask();
  Process& process = start();
  EXPECT_TRUE(ask(process, "a.example"));
  const auto old = process.certificates.find("a.example");
  pass(process, days(62));
  until([&] { return process.certificates.find("a.example") != old; });
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(OnDemandTest, SilenceOfTheApplicationDoesNotStopARenewal) {
  add_site({"*"}, true);
  use_ask();
  Process& first = start();
  EXPECT_TRUE(ask(first, "a.example"));
  stop(first);
  server.die();
  Process& second = start();
  settle();
  pass(second, days(62));
  until([&] { return ca().ordered.size() == 2; });
}

TEST_F(OnDemandTest, ANoEndsTheRenewalAndWhatIsServedOnlyWhenItExpires) {
  add_site({"*"}, true);
  use_ask();
  Process& first = start();
  EXPECT_TRUE(ask(first, "a.example"));
  const auto served = first.certificates.find("a.example");
  stop(first);
  server.answer("a.example", 410);
  Process& second = start();
  settle();
  second.certificates.put({"a.example"}, served);
  pass(second, days(62));
  until([&] { return server.targets().size() == 2; });
  settle();
  EXPECT_EQ(second.certificates.find("a.example"), served);
  pass(second, days(29));
  until([&] { return second.certificates.find("a.example") == nullptr; });
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(OnDemandTest, OneApplicationCallForManyHandshakes) {
  add_site({"*"}, true);
  use_ask();
  Process& process = start();
  std::vector<std::optional<Outcome>> answers(100);
  for (auto& answer : answers) ask_into(process, "a.example", answer);
  until([&] { return std::ranges::all_of(answers, [](auto& a) { return a.has_value(); }); });
  EXPECT_EQ(server.targets(), std::vector<std::string>{"/allowed?domain=a.example"});
}

TEST_F(OnDemandTest, NamesOfASiteWaitForItsOrderAndNeedNoPermission) {
  add_site({"a.example"});
  ca().go_on.reset();
  Process& process = start();
  std::optional<Outcome> answer;
  ask_into(process, "a.example", answer);
  until([&] { return ca().running == 1; });
  settle();
  ca().go_on.set();
  until([&] { return answer.has_value(); });
  EXPECT_TRUE(*answer);
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(OnDemandTest, AWildcardSiteOfTheInternalIssuerHasOneCertificate) {
  config.tls.issuers = {config::InternalIssuer()};
  add_site({"*.localhost"});
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  EXPECT_EQ(ca("internal").ordered, std::vector<std::string>{"*.localhost"});
  EXPECT_TRUE(process.certificates.find("a.localhost"));
  EXPECT_TRUE(ask(process, "b.localhost"));
  EXPECT_EQ(ca("internal").ordered.size(), 1u);
}

TEST_F(OnDemandTest, InternalNamesGoToTheInternalIssuerByDefault) {
  config.tls.issuers.clear();
  add_site({"a.localhost", "b.example", "c"});
  Process& process = start();
  until([&] { return process.certificates.size() == 3; });
  const std::string letsencrypt = config::AcmeIssuer().directory;
  EXPECT_EQ(ca("internal").ordered.size(), 2u);
  EXPECT_EQ(ca(letsencrypt).ordered, std::vector<std::string>{"b.example"});
}

TEST_F(OnDemandTest, ASitesOwnIssuersComeBeforeTheGlobalOnes) {
  add_site({"a.example"}).tls.issuers = {acme("own")};
  add_site({"b.example"});
  Process& process = start();
  until([&] { return process.certificates.size() == 2; });
  EXPECT_EQ(ca("own").ordered, std::vector<std::string>{"a.example"});
  EXPECT_EQ(ca("main").ordered, std::vector<std::string>{"b.example"});
}

TEST_F(OnDemandTest, OnlyNamesOfSitesThatObtainCertificatesMayBeRequested) {
  add_site({"a.example", "192.0.2.1"});
  add_site({"*.demand.example"}, true);
  add_site({"plain.demand.example"}).tls.enabled = false;
  add_site({"files.example"}).tls.certificate.emplace_back();
  add_site({"*.wild.example"});  // no issuer here signs a wildcard
  Process& process = start();
  const Automation& automation = *process.automation;
  EXPECT_TRUE(automation.may_request("a.example"));
  EXPECT_TRUE(automation.may_request("x.demand.example"));
  EXPECT_TRUE(automation.may_request("192.0.2.1"));
  for (const char* name :
       {"b.example", "x.a.example", "demand.example", "y.x.demand.example", "plain.demand.example",
        "files.example", "x.wild.example", "192.0.2.2", ""}) {
    EXPECT_FALSE(automation.may_request(name)) << name;
    EXPECT_EQ(ask(process, name).error().code, base::Code::kDenied) << name;
  }
}

TEST_F(OnDemandTest, WithoutATlsListenerNothingIsObtained) {
  config.listen.https.clear();
  add_site({"a.example"});
  Process& process = start();
  settle();
  EXPECT_FALSE(process.automation->may_request("a.example"));
  EXPECT_TRUE(ca().ordered.empty());
}

}  // namespace
}  // namespace gatehouse::certs::on_demand_test
