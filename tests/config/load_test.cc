#include "config/load.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <map>

#include "config/known_cas.h"

namespace gatehouse::config::load_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::map<std::string, std::string>& variables() {
  static std::map<std::string, std::string> all;
  return all;
}

const char* from_variables(const char* name) {
  const auto found = variables().find(name);
  return found == variables().end() ? nullptr : found->second.c_str();
}

std::expected<Config, std::vector<ConfigError>> read(std::string_view text) {
  return load(text, from_variables);
}

// A file with one good site, and `more` beside it.
std::string with_site(const std::string& more) {
  return R"({"sites": [{"hosts": ["a.example"], "proxy": "http://127.0.0.1:1"}])" +
         (more.empty() ? "" : ",\n" + more) + "}";
}

// The only error of a text, as one line.
std::string only_error(std::string_view text) {
  const auto loaded = read(text);
  if (loaded) return "no error";
  if (loaded.error().size() != 1) return render("F", loaded.error());
  const auto& error = loaded.error().front();
  return std::to_string(error.line) + " " + error.pointer + " " + error.message;
}

TEST(Load, TakesTheSmallestFileAndFillsInDefaults) {
  const auto config = read(with_site(""));
  ASSERT_TRUE(config) << render("F", config.error());
  EXPECT_EQ(config->sites.size(), 1u);
  EXPECT_THAT(config->sites[0].hosts, ElementsAre("a.example"));
  EXPECT_EQ(config->listen.https.at(0).text(), ":443");
  EXPECT_EQ(config->listen.http.at(0).text(), ":80");
  EXPECT_EQ(config->timeouts.idle, base::Duration(75'000));
  EXPECT_TRUE(config->tls.issuers.empty());
  const auto& proxy = std::get<Proxy>(config->sites[0].routes.at(0).action);
  EXPECT_EQ(proxy.servers.at(0).host, "127.0.0.1");
  EXPECT_EQ(proxy.servers.at(0).port, 1);
}

TEST(Load, ReadsUpstreamsOfAllSchemes) {
  const auto config = read(R"({"sites": [{"hosts": ["a.example"], "proxy":
      ["http://a", "https://b/", "h2c://[::1]:50051", "unix:/run/x.sock"]}]})");
  ASSERT_TRUE(config) << render("F", config.error());
  const auto& servers = std::get<Proxy>(config->sites[0].routes[0].action).servers;
  using Scheme = UpstreamServer::Scheme;
  const auto is = [&](std::size_t i, Scheme scheme, std::string_view host, int port) {
    return servers[i].scheme == scheme && servers[i].host == host && servers[i].port == port;
  };
  EXPECT_TRUE(is(0, Scheme::kHttp, "a", 80));
  EXPECT_TRUE(is(1, Scheme::kHttps, "b", 443));
  EXPECT_TRUE(is(2, Scheme::kH2c, "::1", 50051));
  EXPECT_EQ(servers[3].unix_path, "/run/x.sock");
}

TEST(Load, ANamedGroupIsTheSameAsOneInPlace) {
  const auto* const keys = R"({"servers": ["https://b"], "proxy_protocol": 2,
      "keepalive": {"connections": 3, "idle": "4s"},
      "tls": {"ca_file": "/roots.pem", "server_name": "c.example",
              "client_certificate": {"file": "/c.pem", "key": "/k.pem"}}})";
  const auto config = read(std::string(R"({"sites": [{"hosts": ["a.example"], "proxy": "app"},
                                     {"hosts": ["b.example"], "proxy": )") +
                           keys + R"(}], "upstreams": {"app": )" + keys + "}}");
  ASSERT_TRUE(config) << render("F", config.error());
  for (const auto& site : config->sites) {
    const auto& group = std::get<Proxy>(site.routes[0].action);
    EXPECT_EQ(group.servers.at(0).host, "b");
    EXPECT_EQ(group.proxy_protocol, 2);
    EXPECT_EQ(group.keepalive.connections, 3u);
    EXPECT_EQ(group.keepalive.idle.count(), 4000);
    EXPECT_EQ(group.tls.ca_file, "/roots.pem");
    EXPECT_EQ(group.tls.server_name, "c.example");
    EXPECT_EQ(group.tls.client_certificate->key, "/k.pem");
  }
}

TEST(Load, AcceptsComments) {
  EXPECT_TRUE(
      read("// first\n{ /* here */ \"sites\": [{\"hosts\": [\"a.example\"], \"respond\": {}}] }"));
}

TEST(Load, ReadsDurationsAndSizes) {
  const auto config = read(with_site(
      R"("timeouts": {"idle": "90s", "handshake": "500ms", "drain": "2m", "body_idle": 0},
         "limits": {"head_bytes": "64KiB", "body_bytes": "2GiB", "fields": 12})"));
  ASSERT_TRUE(config) << render("F", config.error());
  EXPECT_EQ(config->timeouts.idle.count(), 90'000);
  EXPECT_EQ(config->timeouts.handshake.count(), 500);
  EXPECT_EQ(config->timeouts.drain.count(), 120'000);
  EXPECT_EQ(config->timeouts.body_idle.count(), 0);
  EXPECT_EQ(config->limits.head_bytes, 65'536u);
  EXPECT_EQ(config->limits.body_bytes, 2ull << 30);
  EXPECT_EQ(config->limits.fields, 12u);
}

TEST(Load, AListOfListenersMayBeEmpty) {
  const auto config = read(with_site(R"("listen": {"http": []})"));
  ASSERT_TRUE(config);
  EXPECT_TRUE(config->listen.http.empty());
  EXPECT_EQ(config->listen.https.size(), 1u);
}

TEST(Load, ReadsAddressesOfAllKinds) {
  const auto config = read(with_site(
      R"("listen": {"https": ["127.0.0.1:1", "[::1]:2", ":3", "unix:/run/x"], "http": []})"));
  ASSERT_TRUE(config) << render("F", config.error());
  std::vector<std::string> texts;
  for (const auto& address : config->listen.https) texts.push_back(address.text());
  EXPECT_THAT(texts, ElementsAre("127.0.0.1:1", "[::1]:2", ":3", "unix:/run/x"));
}

TEST(Load, ReadsWhoIsTrustedWithWhat) {
  const auto config = read(with_site(
      R"("listen": {"proxy_protocol": ["10.0.0.0/8"]}, "trusted_proxies": ["::1", "192.0.2.0/24"],
         "allowed_fields": ["X_Tenant", "x.y"])"));
  ASSERT_TRUE(config) << render("F", config.error());
  EXPECT_EQ(config->listen.proxy_protocol.at(0).text(), "10.0.0.0/8");
  EXPECT_EQ(config->trusted_proxies.at(0).text(), "::1/128");
  EXPECT_EQ(config->trusted_proxies.at(1).text(), "192.0.2.0/24");
  EXPECT_THAT(config->allowed_fields, ElementsAre("x_tenant", "x.y"));
  const auto nobody = read(with_site(""));
  EXPECT_TRUE(nobody->trusted_proxies.empty() && nobody->listen.proxy_protocol.empty());
  EXPECT_TRUE(nobody->allowed_fields.empty());
}

TEST(Load, ReplacesVariablesOfTheEnvironment) {
  variables() = {{"HOST", "a.example"}};
  const auto config = read(
      R"({"sites": [{"hosts": ["${HOST}", "b.${NONE:-example}"],
                      "respond": {"body": "$5 ${HOST}!"}}]})");
  ASSERT_TRUE(config) << render("F", config.error());
  EXPECT_THAT(config->sites[0].hosts, ElementsAre("a.example", "b.example"));
  EXPECT_EQ(std::get<Respond>(config->sites[0].routes[0].action).body, "$5 a.example!");
  EXPECT_THAT(only_error(R"({"sites": [{"hosts": ["${NONE}"], "respond": {}}]})"),
              HasSubstr("the environment variable NONE is not set"));
}

TEST(Load, TakesSecretsFromFiles) {
  const auto file = std::filesystem::temp_directory_path() / "gatehouse-secret-test";
  std::ofstream(file) << "c2VjcmV0\n";
  const auto config = read(
      with_site(R"("tls": {"issuers": [{"acme": {"eab": {"key_id": "k", "hmac_key": {"file": ")" +
                file.string() + R"("}}}}]})"));
  std::filesystem::remove(file);
  ASSERT_TRUE(config) << render("F", config.error());
  EXPECT_EQ(std::get<AcmeIssuer>(config->tls.issuers[0]).eab->hmac_key, "c2VjcmV0");
}

TEST(Load, KnowsPublicCasByName) {
  for (const KnownCa& ca : known_cas()) {
    const auto config =
        read(with_site(R"("tls": {"issuers": [{"acme": {"ca": ")" + std::string(ca.name) +
                       R"(", "email": "a@b.example",
        "eab": {"key_id": "k", "hmac_key": "c2VjcmV0", "algorithm": "HS512"}}}]})"));
    ASSERT_TRUE(config) << render("F", config.error());
    const auto& acme = std::get<AcmeIssuer>(config->tls.issuers[0]);
    EXPECT_EQ(acme.directory, ca.directory);
    EXPECT_EQ(acme.eab->algorithm, ExternalAccount::Algorithm::kHs512);
    EXPECT_EQ(find_known_ca_at(acme.directory), &ca);
  }
}

TEST(Load, TakesTheDirectoryForTheKindOfKeys) {
  const auto config = read(with_site(
      R"("tls": {"key_type": "rsa2048", "issuers": [{"acme": {"ca": "sslcom", "eab":
         {"key_id": "k", "hmac_key": "c2VjcmV0"}}}]})"));
  ASSERT_TRUE(config) << render("F", config.error());
  EXPECT_EQ(std::get<AcmeIssuer>(config->tls.issuers[0]).directory, find_known_ca("sslcom")->rsa);
}

TEST(Load, ReadsProfilesInBothForms) {
  const auto profile = [](const std::string& value) {
    const auto config =
        read(with_site(R"("tls": {"issuers": [{"acme": {"profile": )" + value + "}}]}"));
    EXPECT_TRUE(config) << (config ? "" : render("F", config.error()));
    return config ? std::get<AcmeIssuer>(config->tls.issuers[0]).profile : Profile();
  };
  EXPECT_EQ(profile(R"("shortlived")"), (Profile{"shortlived", true}));
  EXPECT_EQ(profile(R"({"name": "shortlived"})"), (Profile{"shortlived", true}));
  EXPECT_EQ(profile(R"({"name": "shortlived", "mode": "prefer"})"), (Profile{"shortlived", false}));
}

TEST(Load, ReadsHowOldAnAccountsKeyMayBe) {
  const auto config = read(
      with_site(R"("tls": {"issuers": [{"acme": {"account_key_age": "365d"}}, {"acme": {}}]})"));
  ASSERT_TRUE(config) << render("F", config.error());
  EXPECT_EQ(std::get<AcmeIssuer>(config->tls.issuers[0]).account_key_age, std::chrono::days(365));
  EXPECT_EQ(std::get<AcmeIssuer>(config->tls.issuers[1]).account_key_age.count(), 0);
}

TEST(Load, ReportsAllErrorsAtOnceInTheOrderOfTheirLines) {
  const auto loaded = read(R"({
    "sites": [
      { "hosts": ["a.example"], "prxy": "http://127.0.0.1:1" },
      { "hosts": ["b.example:80"], "proxy": "ftp://x" }
    ],
    "timeouts": { "idle": "soon" }
  })");
  ASSERT_FALSE(loaded);
  std::vector<std::string> places;
  for (const auto& e : loaded.error()) places.push_back(std::to_string(e.line) + e.pointer);
  EXPECT_THAT(places, ElementsAre("3/sites/0", "3/sites/0/prxy", "4/sites/1/hosts/0",
                                  "4/sites/1/proxy", "6/timeouts/idle"));
}

TEST(Load, ANumberAtTheEndOfItsLineIsReportedInThatLine) {
  EXPECT_THAT(only_error(with_site("\"workers\": 99999\n")), testing::StartsWith("2 /workers "));
  EXPECT_THAT(only_error(with_site("\"log\": {\n\"level\":\n1\n\n\n}")),
              testing::StartsWith("4 /log/level "));
}

TEST(Load, TakesUrlsThatRequestsCanBeSentTo) {
  for (const auto* url : {"http://app/", "https://app.example", "http://127.0.0.1:3000/may?x=1",
                          "http://[::1]:3000/", "http://App_1.internal:80"}) {
    EXPECT_TRUE(
        read(with_site("\"tls\": {\"on_demand\": {\"ask\": \"" + std::string(url) + "\"}}")))
        << url;
  }
  for (const auto* url : {"http:///may", "http://me:secret@app/", "http://a app/", "http://app:0/",
                          "http://app:", "http://[::1/", "http://[1.2.3.4]/", "http://a..b/",
                          "http://app/a b", "http://app/#x", "HTTP://app/", "http://\u00fc/"}) {
    EXPECT_THAT(
        only_error(with_site("\"tls\": {\"on_demand\": {\"ask\": \"" + std::string(url) + "\"}}")),
        HasSubstr("expected a URL"))
        << url;
  }
}

TEST(Load, TakesAnyHostWhereNobodySpeaksTls) {
  EXPECT_TRUE(read(R"({"sites": [{"hosts": ["a_b.1"], "respond": {}}], "listen": {"https": []}})"));
  EXPECT_TRUE(read(R"({"sites": [{"hosts": ["a_b.1"], "respond": {}, "tls": false}]})"));
}

TEST(Load, SaysOfAWrongValueOnlyThatItIsWrong) {
  EXPECT_EQ(only_error(R"({"sites": [{"hosts": [5], "respond": {}}]})"),
            "1 /sites/0/hosts/0 expected a string, found 5");
}

TEST(Load, ProposesTheNearestKey) {
  EXPECT_THAT(only_error(with_site(R"("timeout": {})")), HasSubstr("did you mean \"timeouts\"?"));
  EXPECT_THAT(only_error(with_site(R"("zzzzzz": {})")),
              HasSubstr("expected one of: sites upstreams"));
}

TEST(Load, SaysThatAKeyOfTheLanguageIsNotSupportedYet) {
  EXPECT_THAT(only_error(with_site(R"("redis": {})")), HasSubstr("not supported by this version"));
}

TEST(Load, RefusesAKeyGivenTwice) {
  EXPECT_EQ(only_error(with_site("\"log\": {},\n\"log\": {}")),
            "3 /log the key \"log\" is given twice; it stands in line 2 already");
}

TEST(Load, SaysWhereTheTextStopsBeingJson) {
  EXPECT_THAT(only_error("{\n\"sites\": [\n}"), testing::StartsWith("3 /sites not JSON near"));
  EXPECT_THAT(only_error(""), HasSubstr("not JSON"));
}

TEST(Load, RefusesToNestForEver) {
  EXPECT_THAT(only_error(std::string(100, '[')), HasSubstr("nested more than 64 levels"));
}

TEST(Load, TakesWildcardsThatTheInternalCaSigns) {
  EXPECT_TRUE(read(R"({"sites": [{"hosts": ["*.a.test"], "respond": {}}]})"));
  EXPECT_TRUE(read(R"({"tls": {"issuers": [{"internal": {}}]},
                       "sites": [{"hosts": ["*.shop.example"], "respond": {}}]})"));
  EXPECT_TRUE(read(R"({"sites": [{"hosts": ["*.shop.example"], "respond": {},
                                  "tls": {"issuers": [{"internal": {}}]}}]})"));
}

struct Bad {
  const char* name;
  const char* text;
  const char* expected;
};
void PrintTo(const Bad& bad, std::ostream* out) { *out << bad.name; }

class Refuses : public testing::TestWithParam<Bad> {};

TEST_P(Refuses, AndSaysWhatWasExpected) {
  EXPECT_THAT(only_error(GetParam().text), HasSubstr(GetParam().expected));
}

#define SITE(inside) "{\"sites\": [{\"hosts\": [\"a.example\"], " inside "}]}"
#define TOP(inside) "{\"sites\": [{\"hosts\": [\"a.example\"], \"respond\": {}}], " inside "}"

INSTANTIATE_TEST_SUITE_P(
    Load, Refuses,
    testing::Values(
        Bad{"NoSites", "{}", "expected the key \"sites\""},
        Bad{"EmptySites", "{\"sites\": []}", "expected one site at least"},
        Bad{"NotAnObject", "[]", "expected an object"},
        Bad{"NoHosts", "{\"sites\": [{\"respond\": {}}]}", "expected the key \"hosts\""},
        Bad{"EmptyHosts", "{\"sites\": [{\"hosts\": [], \"respond\": {}}]}",
            "expected one host at least"},
        Bad{"Scheme", "{\"sites\": [{\"hosts\": [\"https://a.example\"], \"respond\": {}}]}",
            "a host has no scheme"},
        Bad{"Port", "{\"sites\": [{\"hosts\": [\"a.example:1\"], \"respond\": {}}]}",
            "a host has no port"},
        Bad{"InnerWildcard", "{\"sites\": [{\"hosts\": [\"a.*.example\"], \"respond\": {}}]}",
            "is no host name"},
        Bad{"IpOnDemand",
            "{\"sites\": [{\"hosts\": [\"192.0.2.1\"], \"respond\": {}, \"tls\": {\"on_demand\": "
            "true}}], \"tls\": {\"on_demand\": {\"allow\": [\"a.example\"]}}}",
            "no handshake names an IP address"},
        Bad{"SameHostTwice",
            "{\"sites\": [{\"hosts\": [\"a.example\", \"A.example\"], \"respond\": {}}]}",
            "is given already"},
        Bad{"TwoActions", SITE("\"respond\": {}, \"proxy\": \"http://x\""), "a second action"},
        Bad{"NoAction", SITE("\"tls\": {}"), "exactly one of proxy, respond, redirect"},
        Bad{"RouteWithoutAction", SITE("\"routes\": [{}]"), "expected an action"},
        Bad{"RoutesAndAction", SITE("\"routes\": [], \"respond\": {}"), "either \"routes\" or"},
        Bad{"NoScheme", SITE("\"proxy\": \"127.0.0.1:3000\""), "an upstream such as"},
        Bad{"UnknownScheme", SITE("\"proxy\": \"h3://x\""), "an upstream such as"},
        Bad{"RelativeSocket", SITE("\"proxy\": \"unix:x\""), "path is absolute"},
        Bad{"UnknownGroup", SITE("\"proxy\": \"app\""), "\"app\" is neither a URL"},
        Bad{"GroupWithoutServers", SITE("\"proxy\": {}"), "expected the key \"servers\""},
        Bad{"GroupOfNobody", SITE("\"proxy\": {\"servers\": []}"), "one upstream at least"},
        Bad{"TlsWithoutHttps",
            SITE("\"proxy\": {\"servers\": [\"http://x\"], \"tls\": {\"insecure\": true}}"),
            "no server of the group has https://"},
        Bad{"InsecureWithRoots",
            SITE("\"proxy\": {\"servers\": \"https://x\", \"tls\": {\"insecure\": true, "
                 "\"ca_file\": \"y\"}}"),
            "\"ca_file\" has no meaning"},
        Bad{"BadServerName",
            SITE("\"proxy\": {\"servers\": \"https://x\", \"tls\": {\"server_name\": \"a b\"}}"),
            "a host name or an IP address"},
        Bad{"HalfAClientCertificate",
            SITE("\"proxy\": {\"servers\": \"https://x\", \"tls\": {\"client_certificate\": "
                 "{\"file\": \"f\"}}}"),
            "both \"file\" and \"key\""},
        Bad{"ProxyVersion", SITE("\"proxy\": {\"servers\": \"http://x\", \"proxy_protocol\": 3}"),
            "a whole number from 1 to 2"},
        Bad{"NotYet", SITE("\"proxy\": {\"servers\": \"http://x\", \"policy\": \"x\"}"),
            "not supported by this version"},
        Bad{"GroupNamedAsAUrl", TOP("\"upstreams\": {\"a:b\": {\"servers\": \"http://x\"}}"),
            "a group's name has none of"},
        Bad{"UpstreamPath", SITE("\"proxy\": \"http://x/y\""), "an upstream has no path"},
        Bad{"NoUpstream", SITE("\"proxy\": []"), "one upstream at least"},
        Bad{"BadPath", SITE("\"routes\": [{\"match\": {\"path\": \"x\"}, \"respond\": {}}]"),
            "expected \"/exact\""},
        Bad{"StarInside", SITE("\"routes\": [{\"match\": {\"path\": \"/a*\"}, \"respond\": {}}]"),
            "expected \"/exact\""},
        Bad{"BadStatus", SITE("\"respond\": {\"status\": 99}"), "a whole number from 200 to 599"},
        Bad{"BadRedirect", SITE("\"redirect\": {\"to\": \"/x\", \"status\": 305}"),
            "301, 302, 303"},
        Bad{"BadPlaceholder", SITE("\"redirect\": \"https://{hots}\""), "unknown placeholder"},
        Bad{"BadHeader", SITE("\"respond\": {\"headers\": {\"a b\": \"c\"}}"), "no field name"},
        Bad{"HeaderWithLineBreak", SITE("\"respond\": {\"headers\": {\"a\": \"b\\nc\"}}"),
            "no line break"},
        Bad{"OnDemandForNobody", SITE("\"tls\": {\"on_demand\": true}, \"respond\": {}"),
            "expected \"ask\" or \"allow\""},
        Bad{"WildcardWithoutAWay", "{\"sites\": [{\"hosts\": [\"*.a.example\"], \"respond\": {}}]}",
            "stands for names that are not known yet"},
        Bad{"CertificateWithoutKey",
            SITE("\"tls\": {\"certificate\": {\"file\": \"x\"}}, \"respond\": {}"),
            "both \"file\" and \"key\""},
        Bad{"TlsTrue", SITE("\"tls\": true, \"respond\": {}"), "an object or false"},
        Bad{"TwoIssuersInOne", TOP("\"tls\": {\"issuers\": [{\"acme\": {}, \"internal\": {}}]}"),
            "expected {\"acme\": {…}}"},
        Bad{"PlainDirectory",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"directory\": \"http://ca.example\"}}]}"),
            "expected an https:// URL"},
        Bad{"NoChallenge", TOP("\"tls\": {\"issuers\": [{\"acme\": {\"challenges\": []}}]}"),
            "one challenge at least"},
        Bad{"UnknownChallenge",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"challenges\": [\"dns-02\"]}}]}"),
            "one of \"tls-alpn-01\", \"http-01\""},
        Bad{"HttpChallengeWithoutListener",
            TOP("\"listen\": {\"http\": []}, \"tls\": {\"issuers\": [{\"acme\": {\"challenges\": "
                "[\"http-01\"]}}]}"),
            "http-01 needs a listener"},
        Bad{"HalfABinding",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"eab\": {\"key_id\": \"k\"}}}]}"),
            "both \"key_id\" and \"hmac_key\""},
        Bad{"CaThatNobodyKnows",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"ca\": \"letsencript\"}}]}"),
            "one of \"letsencrypt\", "},
        Bad{"CaAndDirectory",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"ca\": \"letsencrypt\", \"directory\": "
                "\"https://ca.example/d\"}}]}"),
            "either \"ca\" or \"directory\""},
        Bad{"CaWithoutItsAccount",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"ca\": \"zerossl\"}}]}"),
            "/tls/issuers/0/acme expected \"eab\", since ZeroSSL"},
        Bad{"DirectoryWithoutItsAccount",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"directory\": "
                "\"https://acme.zerossl.com/v2/DV90\"}}]}"),
            "expected \"eab\""},
        Bad{"CaWithoutItsContact",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"ca\": \"buypass\"}}]}"),
            "expected \"email\""},
        Bad{"UnknownMac",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"eab\": {\"algorithm\": \"HS1\"}}}]}"),
            "one of \"HS256\""},
        Bad{"NamelessProfile",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"profile\": {\"mode\": \"prefer\"}}}]}"),
            "expected the key \"name\""},
        Bad{"AllOfTheLifeLeft", TOP("\"tls\": {\"renewal\": {\"left_percent\": 100}}"),
            "from 1 to 99"},
        Bad{"AskWithoutScheme", TOP("\"tls\": {\"on_demand\": {\"ask\": \"x\"}}"),
            "expected a URL"},
        Bad{"AskWithoutHost", TOP("\"tls\": {\"on_demand\": {\"ask\": \"http://\"}}"),
            "expected a URL"},
        Bad{"AskOnNoPort", TOP("\"tls\": {\"on_demand\": {\"ask\": \"http://x:99999/\"}}"),
            "expected a URL"},
        Bad{"DirectoryWithoutHost",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"directory\": \"https:///d\"}}]}"),
            "expected an https:// URL"},
        Bad{"PlainDirectoryThatLooksLocal",
            TOP("\"tls\": {\"issuers\": [{\"acme\": {\"directory\": "
                "\"http://127.0.0.1.ca.example/d\"}}]}"),
            "expected an https:// URL"},
        Bad{"TlsForAnUnderscore", "{\"sites\": [{\"hosts\": [\"a_b.example\"], \"respond\": {}}]}",
            "gets no certificate"},
        Bad{"TlsForElevenLabels",
            "{\"sites\": [{\"hosts\": [\"a.b.c.d.e.f.g.h.i.j.example\"], \"respond\": {}}]}",
            "gets no certificate"},
        Bad{"TlsForANumber", "{\"sites\": [{\"hosts\": [\"a.1\"], \"respond\": {}}]}",
            "gets no certificate"},
        Bad{"NoListeners", TOP("\"listen\": {\"http\": [], \"https\": []}"),
            "expected one listener"},
        Bad{"AddressTwice", TOP("\"listen\": {\"http\": [\":1\"], \"https\": [\":1\"]}"),
            "given twice"},
        Bad{"BadAddress", TOP("\"listen\": {\"http\": [\"example.com:80\"]}"),
            "an address such as"},
        Bad{"NoRange", TOP("\"trusted_proxies\": [\"lb.example\"]"), "a range such as"},
        Bad{"RangeWithHostBits", TOP("\"listen\": {\"proxy_protocol\": [\"10.0.0.1/8\"]}"),
            "the range is 10.0.0.0/8"},
        Bad{"PlainFieldAllowed", TOP("\"allowed_fields\": [\"X-Tenant\"]"), "need not be allowed"},
        Bad{"BadFieldAllowed", TOP("\"allowed_fields\": [\"x y_z\"]"), "a field name with"},
        Bad{"BadUnit", TOP("\"limits\": {\"head_bytes\": \"1KB\"}"), "a size such as"},
        Bad{"HugeSize", TOP("\"limits\": {\"head_bytes\": \"99999999999GiB\"}"), "a size such as"},
        Bad{"Negative", TOP("\"limits\": {\"fields\": -1}"), "a whole number from 0"},
        Bad{"Fraction", TOP("\"workers\": 1.5"), "a whole number from 1 to 1024"},
        Bad{"Level", TOP("\"log\": {\"level\": \"loud\"}"), "one of \"debug\""}),
    [](const auto& info) { return std::string(info.param.name); });

TEST(DefaultIssuer, IsInternalForNamesThatNoPublicCaSigns) {
  for (const auto* name : {"localhost", "a.localhost", "x.internal", "x.test", "nas.local", "nas",
                           "10.1.2.3", "172.16.0.1", "192.168.0.1", "::1", "fd00::1"}) {
    EXPECT_TRUE(uses_internal_issuer(name)) << name;
  }
  for (const auto* name : {"example.com", "mylocalhost.com", "latest.dev", "8.8.8.8", "172.32.0.1",
                           "localhost.example.com"}) {
    EXPECT_FALSE(uses_internal_issuer(name)) << name;
  }
}

std::string with_client_auth(const std::string& value, const std::string& more = "") {
  return R"({"sites": [{"hosts": ["a.example"], "proxy": "http://127.0.0.1:1",
    "tls": {"client_auth": )" +
         value + "}}]" + more + "}";
}

TEST(Load, ClientAuthIsRequiredUnlessItIsOnlyRequested) {
  const auto required = read(with_client_auth(R"({"ca_file": "/roots.pem"})"));
  ASSERT_TRUE(required) << render("F", required.error());
  EXPECT_EQ(required->sites[0].tls.client_auth->ca_file, "/roots.pem");
  EXPECT_EQ(required->sites[0].tls.client_auth->mode, ClientAuth::Mode::kRequire);
  const auto asked = read(with_client_auth(R"({"ca_file": "/roots.pem", "mode": "request"})"));
  ASSERT_TRUE(asked) << render("F", asked.error());
  EXPECT_EQ(asked->sites[0].tls.client_auth->mode, ClientAuth::Mode::kRequest);
}

TEST(Load, ClientAuthNeedsRootsAndATlsListener) {
  EXPECT_THAT(only_error(with_client_auth("{}")),
              HasSubstr("/sites/0/tls/client_auth expected \"ca_file\""));
  EXPECT_THAT(only_error(with_client_auth(R"({"ca_file": "/roots.pem", "mode": "ask"})")),
              HasSubstr("/sites/0/tls/client_auth/mode expected one of \"require\", \"request\""));
  EXPECT_THAT(
      only_error(with_client_auth(R"({"ca_file": "/roots.pem"})", R"(, "listen": {"https": []})")),
      HasSubstr("/sites/0/tls/client_auth needs a listener in /listen/https"));
}

}  // namespace
}  // namespace gatehouse::config::load_test
