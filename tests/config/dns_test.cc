#include "config/dns.h"

#include <gmock/gmock.h>

#include <string>

#include "config/load.h"

namespace gatehouse::config::dns_test {
namespace {

using testing::HasSubstr;

// A file whose only ACME issuer has these keys.
std::expected<Config, std::vector<ConfigError>> read(const std::string& keys,
                                                     const std::string& host = "a.example") {
  return load(R"({"tls": {"issuers": [{"acme": {)" + keys + R"(}}]},
                  "sites": [{"hosts": [")" +
                  host + R"("], "respond": {}}]})",
              [](const char*) -> const char* { return nullptr; });
}

std::string errors(const std::string& keys) {
  const auto loaded = read(keys);
  return loaded ? "none" : render("F", loaded.error());
}

TEST(DnsKeys, AnIssuerThatSetsRecordsSignsWildcards) {
  EXPECT_TRUE(read(R"("dns": {"command": {"program": "/x"}})", "*.a.example"));
  EXPECT_FALSE(read("", "*.a.example"));
}

TEST(DnsKeys, AreReadWithTheirDefaults) {
  const auto config = read(R"("dns": {
      "rfc2136": {"server": "[2001:db8::53]:5353", "key_name": "gate", "key": "c2VjcmV0",
                  "algorithm": "hmac-sha512"},
      "resolvers": ["192.0.2.1", "192.0.2.2:54"], "servers": [], "propagation_timeout": "5m"})");
  ASSERT_TRUE(config) << render("F", config.error());
  const Dns& dns = *std::get<AcmeIssuer>(config->tls.issuers[0]).dns;
  const auto& update = std::get<DnsUpdate>(dns.provider);
  EXPECT_EQ(update.server, (DnsServer{"2001:db8::53", 5353}));
  EXPECT_EQ(update.algorithm, DnsUpdate::Algorithm::kHmacSha512);
  EXPECT_EQ(dns.resolvers, (std::vector<DnsServer>{{"192.0.2.1", 53}, {"192.0.2.2", 54}}));
  ASSERT_TRUE(dns.servers);
  EXPECT_TRUE(dns.servers->empty());
  EXPECT_EQ(dns.propagation_timeout, base::Duration(300'000));

  const auto least = read(R"("dns": {"command": {"program": "/x"}})");
  ASSERT_TRUE(least);
  const Dns& defaults = *std::get<AcmeIssuer>(least->tls.issuers[0]).dns;
  EXPECT_FALSE(defaults.servers);
  EXPECT_EQ(defaults.propagation_timeout, base::Duration(120'000));
  EXPECT_EQ(std::get<DnsCommand>(defaults.provider).timeout, base::Duration(60'000));
}

TEST(DnsKeys, OfAnAcmeDnsAccountThereIsAllOrNothing) {
  const auto config = read(R"("dns": {"acme_dns": {"url": "https://auth.example"}})");
  ASSERT_TRUE(config) << render("F", config.error());
  const Dns& dns = *std::get<AcmeIssuer>(config->tls.issuers[0]).dns;
  EXPECT_EQ(std::get<DnsAcmeDns>(dns.provider).subdomain, "");
  for (const char* some : {R"("username": "u")", R"("username": "u", "password": "p")",
                           R"("password": "p", "subdomain": "s")"}) {
    EXPECT_THAT(errors(std::string(R"("dns": {"acme_dns": {"url": "http://x", )") + some + "}}"),
                HasSubstr("or none of them"));
  }
}

TEST(DnsKeys, SayWhatIsMissingOrWrong) {
  EXPECT_THAT(errors(R"("challenges": ["dns-01"])"),
              HasSubstr("dns-01 needs somebody who sets TXT records"));
  EXPECT_THAT(errors(R"("dns": {"servers": []})"), HasSubstr("exactly one of command"));
  EXPECT_THAT(errors(R"("dns": {"command": {"program": "/x"}, "webhook": {"url": "http://x"}})"),
              HasSubstr("exactly one of command"));
  EXPECT_THAT(errors(R"("dns": {"command": {"program": "/x"}, "resolvers": ["ns.x"]})"),
              HasSubstr("an address such as"));
  EXPECT_THAT(errors(R"("dns": {"command": {"program": "x"}})"), HasSubstr("an absolute path"));
  EXPECT_THAT(errors(R"("dns": {"rfc2136": {"server": "x", "key_name": "k", "key": "secret!"}})"),
              HasSubstr("a TSIG key in base64"));
  EXPECT_THAT(errors(R"("dns": {"rfc2136": {"key_name": "k", "key": "c2VjcmV0"}})"),
              HasSubstr("expected the key \"server\""));
  EXPECT_THAT(errors(R"("dns": {"webhook": {"url": "http://x/?a"}})"), HasSubstr("expected a URL"));
  EXPECT_THAT(errors(R"("dns": {"acme_dns": {"url": "http://x", "username": "u"}})"),
              HasSubstr("\"username\", \"password\" and \"subdomain\""));
}

TEST(DnsKeys, SecretsStandInNoError) {
  EXPECT_EQ(errors(R"("dns": {"rfc2136": {"key": "hush!"}})").find("hush"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::config::dns_test
