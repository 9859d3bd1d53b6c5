// One certificate for all hosts of a site.
#include <gmock/gmock.h>

#include "certs/joint_names.h"
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::joint_certificate_test {
namespace {

using std::chrono::days;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::HasSubstr;

struct JointCertificateTest : AutomationHouse {
  JointCertificateTest() { share({"a.example", "b.example", "c.example"}); }

  void share(std::vector<std::string> hosts) {
    config.sites.clear();
    add_site(std::move(hosts)).tls.one_certificate = true;
  }
  // How often an order has been placed, once nothing is left to do.
  std::vector<std::string> sets() {
    settle();
    return ca().sets;
  }
  static std::string served(Process& process, const std::string& name) {
    return serial(process.certificates.find_exact(name));
  }
};

TEST_F(JointCertificateTest, IsOrderedOnceAndServedForEachName) {
  Process& process = start();
  const auto certificate = ask(process, "b.example");
  ASSERT_TRUE(certificate);
  EXPECT_THAT(sets(), ElementsAre("a.example b.example c.example"));
  for (const char* name : {"a.example", "b.example", "c.example"}) {
    EXPECT_EQ(served(process, name), serial(*certificate)) << name;
  }
}

TEST_F(JointCertificateTest, IsRenewedAsOne) {
  Process& process = start();
  ASSERT_TRUE(ask(process, "a.example"));
  const std::string before = served(process, "c.example");
  pass(process, days(65));
  until([&] { return served(process, "c.example") != before; });
  EXPECT_EQ(sets().size(), 2u);
  EXPECT_EQ(served(process, "a.example"), served(process, "c.example"));
}

TEST_F(JointCertificateTest, IsServedAfterARestartWithoutAnOrder) {
  Process& process = start();
  ASSERT_TRUE(ask(process, "a.example"));
  stop(process);
  Process& again = start();
  EXPECT_TRUE(ask(again, "b.example"));
  EXPECT_EQ(sets().size(), 1u);
}

TEST_F(JointCertificateTest, GoesWithoutANameThatFailsAndTakesItInInItsOwnTime) {
  ca().blamed = {"b.example"};
  Process& process = start();
  until([&] { return served(process, "c.example") != "none"; });
  EXPECT_THAT(sets(), ElementsAre("a.example b.example c.example", "a.example c.example"));
  const auto refused = ask(process, "b.example");
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().detail, HasSubstr("no such name"));
  EXPECT_EQ(sets().size(), 2u);
  ca().blamed.clear();
  pass(process, minutes(2));
  until([&] { return served(process, "b.example") != "none"; });
  EXPECT_THAT(sets(), ElementsAre("a.example b.example c.example", "a.example c.example",
                                  "a.example b.example c.example"));
  EXPECT_FALSE(failures("a.example"));
}

TEST_F(JointCertificateTest, GoesWithoutItsFirstNameToo) {
  ca().blamed = {"a.example"};
  Process& process = start();
  until([&] { return served(process, "c.example") != "none"; });
  EXPECT_FALSE(ask(process, "a.example"));
  stop(process);
  Process& again = start();
  EXPECT_TRUE(ask(again, "b.example"));
  EXPECT_FALSE(ask(again, "a.example"));
  EXPECT_THAT(sets(), ElementsAre("a.example b.example c.example", "b.example c.example"));
}

TEST_F(JointCertificateTest, IsNotOrderedAgainForTheRestWhenTheNameFailsAgain) {
  ca().blamed = {"b.example"};
  Process& process = start();
  until([&] { return served(process, "c.example") != "none"; });
  pass(process, minutes(2));
  until([&] { return failures("a.example")->left_out.at("b.example").count == 2; });
  EXPECT_EQ(sets().size(), 3u);
  pass(process, minutes(2));  // its second wait has ten
  EXPECT_EQ(sets().size(), 3u);
}

TEST_F(JointCertificateTest, RemembersWhatItGoesWithoutOverARestart) {
  ca().blamed = {"b.example"};
  Process& process = start();
  until([&] { return served(process, "c.example") != "none"; });
  stop(process);
  Process& again = start();
  EXPECT_FALSE(ask(again, "b.example"));
  EXPECT_EQ(sets().size(), 2u);
}

TEST_F(JointCertificateTest, FailsAsAWholeWhenEveryNameDoes) {
  ca().blamed = {"a.example", "b.example", "c.example"};
  Process& process = start();
  until([&] { return failures("a.example").has_value(); });
  EXPECT_EQ(failures("a.example")->count, 1u);
  EXPECT_FALSE(ask(process, "b.example"));
  EXPECT_EQ(sets().size(), 1u);
}

// The old one is served meanwhile, whichever name went or came.
TEST_F(JointCertificateTest, IsOrderedAnewWhenTheNamesHaveChanged) {
  Process& process = start();
  ASSERT_TRUE(ask(process, "a.example"));
  const std::string old = served(process, "b.example");
  stop(process);
  share({"b.example", "c.example", "d.example"});
  ca().go_on.reset();
  Process& changed = start();
  until([&] { return ca().sets.size() == 2; });
  EXPECT_EQ(served(changed, "b.example"), old);
  EXPECT_EQ(served(changed, "c.example"), old);
  EXPECT_EQ(served(changed, "a.example"), "none");
  ca().go_on.set();
  EXPECT_TRUE(ask(changed, "d.example"));
  EXPECT_THAT(sets(),
              ElementsAre("a.example b.example c.example", "b.example c.example d.example"));
  EXPECT_NE(served(changed, "b.example"), old);
}

TEST_F(JointCertificateTest, TakesThePlaceOfOneEachAndLeavesItAgain) {
  config.sites.front().tls.one_certificate = false;
  Process& process = start();
  for (const char* name : {"a.example", "b.example", "c.example"}) ASSERT_TRUE(ask(process, name));
  const std::string old = served(process, "b.example");
  stop(process);
  share({"a.example", "b.example", "c.example"});
  ca().go_on.reset();
  Process& joined = start();
  until([&] { return ca().sets.size() == 4; });
  EXPECT_EQ(served(joined, "b.example"), old);
  ca().go_on.set();
  until([&] { return served(joined, "b.example") == served(joined, "a.example"); });
  stop(joined);
  config.sites.front().tls.one_certificate = false;
  Process& apart = start();
  EXPECT_TRUE(ask(apart, "b.example"));
  EXPECT_EQ(sets().size(), 4u);
}

TEST(JointNames, AreTheSameInAnyOrder) {
  EXPECT_TRUE(same_names({"a", "b"}, {"b", "a"}));
  EXPECT_FALSE(same_names({"a", "b"}, {"a"}));
}

}  // namespace
}  // namespace gatehouse::certs::joint_certificate_test
