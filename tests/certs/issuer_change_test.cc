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

}  // namespace
}  // namespace gatehouse::certs::issuer_change_test
