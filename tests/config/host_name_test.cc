#include "config/host_name.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace gatehouse::config::host_name_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::string host(std::string_view text) {
  const auto made = to_host(text);
  return made ? *made : made.error().detail;
}

TEST(HostName, IsInLowerCase) {
  EXPECT_EQ(host("A.Example"), "a.example");
  EXPECT_EQ(host("*.A.Example"), "*.a.example");
  EXPECT_EQ(host("*"), "*");
}

TEST(HostName, OfULabelsBecomesALabels) {
  EXPECT_EQ(host("bücher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(host("BÜCHER.example"), "xn--bcher-kva.example");
  EXPECT_EQ(host("bu\u0308cher.example"), "xn--bcher-kva.example");  // not yet composed
  EXPECT_EQ(host("*.bücher.example"), "*.xn--bcher-kva.example");
  EXPECT_EQ(host("faß.example"), "xn--fa-hia.example");  // IDNA 2003 made "fass" of it
  EXPECT_EQ(host("例え。テスト"), "xn--r8jz45g.xn--zckzah");
  EXPECT_EQ(host("xn--bcher-kva.example"), "xn--bcher-kva.example");
}

TEST(HostName, ThatIdnaDoesNotKnowIsRefused) {
  for (const char* name :
       {"☃.example", "-ü.example", "a\u200db.example", "1א.example", "\xff.example"}) {
    const auto made = to_host(name);
    ASSERT_FALSE(made) << *made;
    EXPECT_THAT(made.error().detail, HasSubstr("is no internationalised name"));
  }
}

TEST(HostName, ThatIsAnAddressHasOneForm) {
  EXPECT_EQ(host("192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(host("2001:DB8:0::1"), "2001:db8::1");
  EXPECT_EQ(host("[2001:db8::1]"), "2001:db8::1");
}

TEST(HostName, StandsInSitesAndPatternsAsALabels) {
  const auto config = load(
      R"({"sites": [{"hosts": ["bücher.example"], "respond": {}}],
          "tls": {"on_demand": {"allow": ["*.käse.example"]}}})",
      process_environment);
  ASSERT_TRUE(config);
  EXPECT_THAT(config->sites[0].hosts, ElementsAre("xn--bcher-kva.example"));
  EXPECT_THAT(config->tls.on_demand.allow, ElementsAre("*.xn--kse-qla.example"));
}

TEST(HostName, ThatIsWrongIsOneErrorAtItsPlace) {
  const auto config = load(R"({"sites": [{"hosts": ["a.example", "☃.example"], "respond": {}}]})",
                           process_environment);
  ASSERT_FALSE(config);
  ASSERT_EQ(config.error().size(), 1u);
  EXPECT_EQ(config.error()[0].pointer, "/sites/0/hosts/1");
}

TEST(HostName, GivenInBothFormsIsGivenTwice) {
  const auto config =
      load(R"({"sites": [{"hosts": ["bücher.example", "xn--bcher-kva.example"], "respond": {}}]})",
           process_environment);
  ASSERT_FALSE(config);
  EXPECT_THAT(config.error()[0].message, HasSubstr("is given already"));
}

}  // namespace
}  // namespace gatehouse::config::host_name_test
