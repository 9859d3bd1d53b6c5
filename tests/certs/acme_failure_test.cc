// Whom a CA blames when it refuses an order for several names.
#include "certs/acme_failure.h"

#include <gmock/gmock.h>

#include "tests/certs/acme_house.h"

namespace gatehouse::certs::acme_failure_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

std::vector<std::string> blamed(const acme::Problem& problem) {
  std::vector<std::string> out;
  for (const NameError& one :
       blamed_names(problem, {"a.test", "b.a.test", "*.c.test", "192.0.2.1"})) {
    out.push_back(one.name);
  }
  return out;
}

acme::Problem problem(std::string type, std::string detail) {
  acme::Problem made;
  made.type = std::move(type);
  made.detail = std::move(detail);
  made.status = 400;
  return made;
}

TEST(BlamedNames, AreThoseOfSubproblems) {
  auto compound = problem("malformed", "some are wrong, a.test is not");
  compound.subproblems = {{"rejectedIdentifier", "forbidden", "b.a.test"},
                          {"caa", "not for you", "c.test"},
                          {"dns", "who?", "stranger.test"}};
  EXPECT_THAT(blamed(compound), ElementsAre("b.a.test", "*.c.test"));
}

TEST(BlamedNames, AreThoseThatARefusalQuotes) {
  EXPECT_THAT(blamed(problem("rejectedIdentifier", "Cannot issue for \"b.a.test\": forbidden")),
              ElementsAre("b.a.test"));
  EXPECT_THAT(blamed(problem("caa", "CAA record for a.test prevents issuance")),
              ElementsAre("a.test"));
  EXPECT_THAT(blamed(problem("unsupportedIdentifier", "no addresses: 192.0.2.1.")),
              ElementsAre("192.0.2.1"));
  EXPECT_THAT(blamed(problem("malformed", "\"*.c.test\" is too short")), ElementsAre("*.c.test"));
}

TEST(BlamedNames, AreNoneWhereTheTroubleIsNotANames) {
  EXPECT_THAT(blamed(problem("rateLimited", "too many certificates for \"a.test\"")), IsEmpty());
  EXPECT_THAT(blamed(problem("rejectedIdentifier", "not for xa.test or a.test.example")),
              IsEmpty());
  EXPECT_THAT(blamed(problem("serverInternal", "a.test")), IsEmpty());
}

class BlamingCa : public AcmeHouse {};

TEST_F(BlamingCa, SaysForWhichNamesNoChallengeWorked) {
  ca.decide = [](const std::string&, const std::string& name) {
    return name == "b.test" || name == "c.test" ? "connection" : "";
  };
  const auto issued = issue({"a.test", "b.test", "c.test"});
  ASSERT_FALSE(issued);
  std::vector<std::string> names;
  for (const NameError& one : issued.error().names) names.push_back(one.name);
  EXPECT_THAT(names, ElementsAre("b.test", "c.test"));
  EXPECT_THAT(why(issued), HasSubstr("for b.test: connection"));
  EXPECT_THAT(why(issued), HasSubstr("for c.test: connection"));
}

}  // namespace
}  // namespace gatehouse::certs::acme_failure_test
