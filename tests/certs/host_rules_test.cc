#include "certs/host_rules.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace gatehouse::certs::host_rules_test {
namespace {

SitePolicy policy(Source source) {
  SitePolicy made;
  made.source = source;
  return made;
}

struct HostRulesTest : testing::Test {
  HostRulesTest() {
    rules.add("a.example", policy(Source::kFiles));
    rules.add("*.example", policy(Source::kManaged));
    rules.add("*.b.example", policy(Source::kOnDemand));
    rules.add("plain.b.example", policy(Source::kNone));
    rules.add("localhost", policy(Source::kManaged));
  }
  Source source(std::string_view name) const { return rules.find(name).policy->source; }
  HostRules rules;
};

TEST_F(HostRulesTest, TheMostSpecificHostWins) {
  EXPECT_EQ(source("a.example"), Source::kFiles);
  EXPECT_EQ(source("x.example"), Source::kManaged);
  EXPECT_EQ(source("x.b.example"), Source::kOnDemand);
  EXPECT_EQ(source("plain.b.example"), Source::kNone);
}

TEST_F(HostRulesTest, AWildcardCoversOneLabel) {
  EXPECT_EQ(rules.find("example").policy, nullptr);
  EXPECT_EQ(rules.find("y.x.b.example").policy, nullptr);
  EXPECT_EQ(rules.find(".example").policy, nullptr);
  EXPECT_EQ(rules.find("").policy, nullptr);
}

TEST_F(HostRulesTest, AStarTakesEveryNameThatIsLeft) {
  rules.add("*", policy(Source::kOnDemand));
  EXPECT_EQ(source("y.x.b.example"), Source::kOnDemand);
  EXPECT_EQ(source("a.example"), Source::kFiles);
}

TEST_F(HostRulesTest, TheFirstSiteThatNamesAHostKeepsIt) {
  rules.add("a.example", policy(Source::kOnDemand));
  EXPECT_EQ(source("a.example"), Source::kFiles);
}

TEST_F(HostRulesTest, AManagedWildcardHasOneCertificateANameOnDemandItsOwn) {
  EXPECT_EQ(rules.find("x.example").certificate_name("x.example"), "*.example");
  EXPECT_EQ(rules.find("*.example").certificate_name("*.example"), "*.example");
  EXPECT_EQ(rules.find("x.b.example").certificate_name("x.b.example"), "x.b.example");
}

TEST_F(HostRulesTest, ListsWhatIsObtainedAtStart) {
  auto managed = rules.managed();
  std::ranges::sort(managed);
  EXPECT_EQ(managed, (std::vector<std::string>{"*.example", "localhost"}));
}

}  // namespace
}  // namespace gatehouse::certs::host_rules_test
