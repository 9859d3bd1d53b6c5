// A site whose hosts share one certificate.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace gatehouse::config::one_certificate_test {
namespace {

using testing::HasSubstr;

// A file with one site that has these hosts and keys of `tls`, and `more` beside it; its errors.
std::string errors(const std::string& hosts, const std::string& tls, const std::string& more = "") {
  const auto config =
      load(R"({"sites": [{"hosts": [)" + hosts +
               R"(], "respond": {}, "tls": {"one_certificate": true)" + tls + "}}]" + more + "}",
           process_environment);
  return config ? "" : render("F", config.error());
}

TEST(OneCertificate, IsForNamesThatOneIssuerSigns) {
  EXPECT_EQ(errors(R"("a.example", "b.example")", ""), "");
  EXPECT_EQ(errors(R"("a.test", "10.0.0.1", "*.b.test")", ""), "");
  EXPECT_THAT(errors(R"("a.example", "a.test")", ""), HasSubstr("\"issuers\", or two sites"));
  EXPECT_EQ(errors(R"("a.example", "a.test")", R"(, "issuers": [{"internal": {}}])"), "");
}

TEST(OneCertificate, IsForNamesThatAreKnown) {
  EXPECT_THAT(errors(R"("a.example")", R"(, "on_demand": true)",
                     R"(, "tls": {"on_demand": {"allow": ["a.example"]}})"),
              HasSubstr("names on demand are not known before"));
}

TEST(OneCertificate, IsNotForFiles) {
  EXPECT_THAT(errors(R"("a.example")", R"(, "certificate": {"file": "x", "key": "y"})"),
              HasSubstr("stands alone"));
}

TEST(OneCertificate, HasAHundredNamesAtMost) {
  std::string hosts = R"("a.example")";
  for (int i = 1; i < 100; ++i) hosts += ", \"a" + std::to_string(i) + ".example\"";
  EXPECT_EQ(errors(hosts, ""), "");
  EXPECT_THAT(errors(hosts + R"(, "b.example")", ""), HasSubstr("at most 100 hosts"));
}

}  // namespace
}  // namespace gatehouse::config::one_certificate_test
