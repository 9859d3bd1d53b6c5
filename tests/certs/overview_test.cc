#include "certs/overview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/certs/automation_house.h"

namespace gatehouse::certs::overview_test {
namespace {

using std::chrono::days;
using testing::ElementsAre;
using testing::HasSubstr;

struct OverviewTest : AutomationHouse {
  StatusPage list(Process& process, std::string after = "", std::size_t most = 100) {
    return run_task(loop, process.automation->list(std::move(after), most)).value();
  }
  CertificateStatus show(Process& process, std::string name) {
    return run_task(loop, process.automation->show(std::move(name))).value();
  }
  // "name state source", each.
  static std::vector<std::string> texts(const StatusPage& page) {
    std::vector<std::string> texts;
    for (const auto& one : page.certificates) {
      texts.push_back(one.name + " " + std::string(name(one.standing)) + " " +
                      std::string(name(one.source)));
    }
    return texts;
  }
};

TEST_F(OverviewTest, TellsOfWhatIsServedFailsAndLiesInStorage) {
  add_site({"a.example", "*.b.example"});
  config.sites.back().tls.issuers.emplace_back(config::InternalIssuer());
  add_site({"c.example"});
  add_site({"*"}, true);
  config.tls.on_demand.allow = {"*"};
  Process& first = start();
  ASSERT_TRUE(ask(first, "d.example"));
  until([&] { return first.certificates.size() == 4; });
  stop(first);
  records->records.erase("certificates/main/c.example");
  ca().fail("the CA says no");
  Process& process = start();
  until([&] { return failures("c.example").has_value(); });
  settle();
  EXPECT_THAT(texts(list(process)),
              ElementsAre("*.b.example served managed", "a.example served managed",
                          "c.example failed managed", "d.example stored on_demand"));
  const auto failing = show(process, "c.example");
  EXPECT_EQ(failing.last_error, "the CA says no");
  EXPECT_EQ(failing.failures, 1u);
  EXPECT_GT(failing.next_attempt.value(), now);
  const auto fine = show(process, "a.example");
  EXPECT_EQ(fine.issuer, "internal");
  EXPECT_EQ(fine.serial, serial(process.certificates.find_exact("a.example")));
  EXPECT_GT(fine.renewal.value(), now);
  EXPECT_LT(fine.renewal.value(), fine.not_after.value());
}

TEST_F(OverviewTest, AnOrderUnderWayIsSeen) {
  add_site({"a.example"});
  ca().go_on.reset();
  Process& process = start();
  until([&] { return ca().running == 1; });
  EXPECT_EQ(show(process, "a.example").standing, Standing::kOrdering);
}

TEST_F(OverviewTest, WithoutAProcessThatServesStorageIsTold) {
  add_site({"a.example", "b.example"});
  Process& process = start();
  until([&] { return process.certificates.size() == 2; });
  const auto renewal = show(process, "a.example").renewal;
  stop(process);
  records->records.erase("certificates/main/b.example");
  Process& stopped = make();
  EXPECT_THAT(texts(list(stopped)),
              ElementsAre("a.example stored managed", "b.example missing managed"));
  EXPECT_EQ(show(stopped, "a.example").renewal, renewal);
  now += days(100);
  EXPECT_EQ(show(stopped, "a.example").standing, Standing::kExpired);
}

TEST_F(OverviewTest, ANameThatAWildcardCoversIsTheWildcards) {
  add_site({"*.b.example"});
  config.sites.back().tls.issuers.emplace_back(config::InternalIssuer());
  Process& process = start();
  EXPECT_EQ(show(process, "x.b.example").name, "*.b.example");
}

TEST_F(OverviewTest, AListComesInPages) {
  add_site({"a.example", "b.example", "c.example"});
  Process& process = start();
  const auto first = list(process, "", 2);
  EXPECT_EQ(first.certificates.size(), 2u);
  EXPECT_EQ(first.next, "b.example");
  const auto second = list(process, first.next, 2);
  ASSERT_EQ(second.certificates.size(), 1u);
  EXPECT_EQ(second.certificates[0].name, "c.example");
  EXPECT_EQ(second.next, "");
}

}  // namespace
}  // namespace gatehouse::certs::overview_test
