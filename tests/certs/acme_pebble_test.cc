// Whole orders at a real ACME server: Pebble (tools/pebble.sh), strict, refusing nonces at random,
// with its own DNS test server, and validating for real.
#include <gmock/gmock.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "acme/base64url.h"
#include "certs/acme_issuer.h"
#include "tests/acme/script_server.h"
#include "tests/certs/child_process.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"
#include "tests/certs/test_authority.h"
#include "tests/certs/tls_alpn_responder.h"

namespace gatehouse::certs::acme_pebble_test {
namespace {

using ::testing::HasSubstr;
using Json = nlohmann::json;
using Issued = std::expected<tls::CertificateRef, IssueError>;

// A folder that goes with the test.
class Folder {
 public:
  Folder() {
    std::string name = (std::filesystem::temp_directory_path() / "gatehouse-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~Folder() { std::filesystem::remove_all(path_); }
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::ofstream(file) << text;
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

class Pebble : public ::testing::Test {
 protected:
  Pebble() {
    const tls::PrivateKey own = *tls::PrivateKey::generate(tls::KeyType::kP256);
    ca_file_ = folder_.write("ca.pem", authority_.pem());
    config_["listenAddress"] = "127.0.0.1:" + std::to_string(port_);
    config_["managementListenAddress"] = "127.0.0.1:" + std::to_string(free_port());
    config_["certificate"] = folder_.write("cert.pem", authority_.sign(own, {"localhost"}));
    config_["privateKey"] = folder_.write("key.pem", own.pem());
    config_["httpPort"] = plain_.port();
    config_["tlsPort"] = tls_.port();
    config_["externalAccountBindingRequired"] = false;
  }

  // (Re)starts the server: it forgets everything.
  void start() {
    pebble_.reset();
    Json all;
    all["pebble"] = config_;
    const std::string file = folder_.write("pebble.json", all.dump());
    pebble_ = std::make_unique<ChildProcess>(
        std::vector<std::string>{GATEHOUSE_ROOT "/build/deps/pebble/pebble", "-config", file,
                                 "-strict", "-dnsserver", "127.0.0.1:" + std::to_string(dns_)},
        std::vector<std::string>{"PEBBLE_VA_NOSLEEP=1", "PEBBLE_WFE_NONCEREJECT=20",
                                 "PEBBLE_AUTHZREUSE=0", "PEBBLE_ALTERNATE_ROOTS=2"},
        port_);
  }

  AcmeOptions options(std::vector<acme::ChallengeType> types) {
    AcmeOptions options;
    options.directory = "https://localhost:" + std::to_string(port_) + "/dir";
    options.email = "ops@example.com";
    options.ca_file = ca_file_;
    options.user_agent = "gatehouse-test/1";
    options.challenges = std::move(types);
    return options;
  }
  std::unique_ptr<AcmeIssuer> issuer(AcmeOptions options) {
    const AcmeIssuer::Parts parts{loop_, blocking_, resolver_, storage_, challenges_};
    return std::make_unique<AcmeIssuer>(parts, std::move(options));
  }
  Issued issue(AcmeIssuer& issuer, std::vector<std::string> names) {
    IssueRequest request(names, key_, base::Deadline::in(base::Duration(60'000)));
    auto issued = run_task(loop_, issuer.issue(std::move(request)));
    if (issued) run_task(loop_, issuer.forget_order(names.front()));
    return issued;
  }
  static std::string why(const Issued& issued) { return issued ? "" : issued.error().error.detail; }

  acme::ScriptReply answer_http(const acme::ScriptRequest& request) {
    constexpr std::string_view kPath = "/.well-known/acme-challenge/";
    if (!request.path.starts_with(kPath)) return acme::ScriptReply(404);
    const auto answer = challenges_.find_http(request.path.substr(kPath.size()));
    return answer ? acme::ScriptReply(200, *answer) : acme::ScriptReply(404);
  }

  static constexpr auto kHttp = acme::ChallengeType::kHttp01;
  static constexpr auto kTls = acme::ChallengeType::kTlsAlpn01;

  Folder folder_;
  TestAuthority authority_;
  ChallengeStore challenges_;
  acme::ScriptServer plain_{[this](const acme::ScriptRequest& r) { return answer_http(r); }};
  TlsAlpnResponder tls_{challenges_};
  base::Loop loop_;
  base::BlockingPool blocking_{1};
  base::Resolver resolver_;
  MemoryStorage storage_{loop_};
  tls::PrivateKey key_ = *tls::PrivateKey::generate(tls::KeyType::kP256);
  int port_ = free_port();
  int dns_ = free_port();
  std::string ca_file_;
  Json config_;
  ChildProcess names_{{GATEHOUSE_ROOT "/build/deps/pebble/pebble-challtestsrv", "-http01", "",
                       "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", "",
                       "-dnsserver", "127.0.0.1:" + std::to_string(dns_), "-management",
                       "127.0.0.1:" + std::to_string(free_port())},
                      {},
                      dns_};
  std::unique_ptr<ChildProcess> pebble_;
};

TEST_F(Pebble, SignsAfterHttp01) {
  start();
  const auto ca = issuer(options({kHttp}));
  const auto issued = issue(*ca, {"a.example.com", "b.example.com"});
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_TRUE((*issued)->covers("a.example.com"));
  EXPECT_TRUE((*issued)->covers("b.example.com"));
  EXPECT_GE((*issued)->chain().size(), 2u);
}

TEST_F(Pebble, SignsAfterTlsAlpn01) {
  start();
  const auto ca = issuer(options({kTls}));
  const auto issued = issue(*ca, {"a.example.com"});
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_TRUE((*issued)->covers("a.example.com"));
}

TEST_F(Pebble, SignsForAnAddressAfterEachChallenge) {
  start();
  for (const acme::ChallengeType type : {kHttp, kTls}) {
    const auto ca = issuer(options({type}));
    const auto issued = issue(*ca, {"127.0.0.1"});
    ASSERT_TRUE(issued) << why(issued);
    EXPECT_EQ((*issued)->leaf().names, std::vector<std::string>{"127.0.0.1"});
  }
}

TEST_F(Pebble, SignsForNamesAndAnAddressTogether) {
  start();
  const auto ca = issuer(options({kTls}));
  const auto issued = issue(*ca, {"a.example.com", "127.0.0.1", "xn--bcher-kva.example.com"});
  ASSERT_TRUE(issued) << why(issued);
  for (const char* name : {"a.example.com", "127.0.0.1", "xn--bcher-kva.example.com"}) {
    EXPECT_TRUE((*issued)->covers(name)) << name;
  }
}

TEST_F(Pebble, SignsForAnAddressInTheProfileThatTakesIt) {
  config_["profiles"] = {{"classic", {{"description", "x"}, {"validityPeriod", 90 * 86400}}},
                         {"shortlived", {{"description", "y"}, {"validityPeriod", 160 * 3600}}}};
  start();
  auto wanted = options({kHttp});
  wanted.address_profile = "shortlived";
  const auto issued = issue(*issuer(wanted), {"127.0.0.1"});
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_NEAR(((*issued)->leaf().not_after - (*issued)->leaf().not_before).count(), 160 * 3600, 60);
}

TEST_F(Pebble, FallsBackToHttp01WhereTlsIsNotOurs) {
  config_["tlsPort"] = free_port();
  start();
  const auto ca = issuer(options({kTls, kHttp}));
  const auto issued = issue(*ca, {"a.example.com"});
  EXPECT_TRUE(issued) << why(issued);
}

TEST_F(Pebble, ExplainsWhenNoChallengeWorks) {
  config_["tlsPort"] = free_port();
  config_["httpPort"] = free_port();
  start();
  const auto ca = issuer(options({kTls, kHttp}));
  const auto issued = issue(*ca, {"a.example.com"});
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued), HasSubstr("http-01 for a.example.com: connection"));
  EXPECT_THAT(why(issued), HasSubstr("tls-alpn-01 for a.example.com: "));
}

TEST_F(Pebble, RefusesABlockedNameForGood) {
  config_["domainBlocklist"] = {"blocked.example.com"};
  start();
  const auto ca = issuer(options({kHttp}));
  const auto issued = issue(*ca, {"blocked.example.com"});
  ASSERT_FALSE(issued);
  EXPECT_TRUE(issued.error().lasting) << why(issued);
}

TEST_F(Pebble, BindsAnExternalAccount) {
  // As long as the longest MAC: shorter keys are none for it (RFC 7518 3.2).
  const std::string mac_key = acme::base64url(std::string(64, 'k'));
  config_["externalAccountBindingRequired"] = true;
  config_["externalAccountMACKeys"] = {{"kid-1", mac_key}};
  start();
  const auto without = issuer(options({kHttp}));
  const auto refused = issue(*without, {"a.example.com"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(why(refused), HasSubstr("eab"));
  auto bound = options({kHttp});
  using enum acme::MacAlgorithm;
  for (const acme::MacAlgorithm algorithm : {kHs256, kHs384, kHs512}) {
    bound.email = "ops@" + std::string(acme::name(algorithm)) + ".example.com";  // a new account
    bound.external = acme::ExternalAccount{"kid-1", mac_key, algorithm};
    const auto ca = issuer(bound);
    const auto issued = issue(*ca, {"a.example.com"});
    EXPECT_TRUE(issued) << acme::name(algorithm) << why(issued);
  }
}

TEST_F(Pebble, SaysWhenToRenewAndTakesTheOrderAsAReplacementOnce) {
  start();
  const auto ca = issuer(options({kHttp}));
  const auto first = issue(*ca, {"a.example.com"});
  ASSERT_TRUE(first) << why(first);
  const auto soon = base::Deadline::in(base::Duration(60'000));
  const auto info = run_task(loop_, ca->renewal_info(*first, soon));
  ASSERT_TRUE(info) << info.error().error.detail;
  EXPECT_GT(info->start, (*first)->leaf().not_before);
  EXPECT_LT(info->end, (*first)->leaf().not_after);
  // The second time Pebble says alreadyReplaced.
  for (int i = 0; i < 2; ++i) {
    IssueRequest request({"a.example.com"}, key_, soon);
    request.replaces = *first;
    const auto next = run_task(loop_, ca->issue(std::move(request)));
    EXPECT_TRUE(next) << why(next);
    run_task(loop_, ca->forget_order("a.example.com"));
  }
}

TEST_F(Pebble, SignsInTheProfileThatIsWanted) {
  config_["profiles"] = {{"classic", {{"description", "x"}, {"validityPeriod", 90 * 86400}}},
                         {"shortlived", {{"description", "y"}, {"validityPeriod", 160 * 3600}}}};
  start();
  auto wanted = options({kHttp});
  for (const auto& [profile, hours] :
       {std::pair("classic", 90 * 24), std::pair("shortlived", 160)}) {
    wanted.profile = profile;
    const auto issued = issue(*issuer(wanted), {"a.example.com"});
    ASSERT_TRUE(issued) << why(issued);
    const auto& leaf = (*issued)->leaf();
    EXPECT_NEAR((leaf.not_after - leaf.not_before).count(), hours * 3600, 60) << profile;
  }
  wanted.profile = "none";
  const auto refused = issue(*issuer(wanted), {"a.example.com"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(why(refused), HasSubstr("it has classic, shortlived"));
}

TEST_F(Pebble, GivesOtherChainsThatAreValidToo) {
  start();
  auto wanted = options({kHttp});
  const auto usual = issue(*issuer(wanted), {"a.example.com"});
  wanted.preferred_chain = "smallest";
  const auto issued = issue(*issuer(wanted), {"a.example.com"});
  ASSERT_TRUE(usual && issued) << why(usual) << why(issued);
  EXPECT_LE((*issued)->chain().size(), (*usual)->chain().size());
}

TEST_F(Pebble, KnowsOurAccountAfterARestartOfOurs) {
  start();
  ASSERT_TRUE(issue(*issuer(options({kHttp})), {"a.example.com"}));
  const auto records = storage_.held().records;
  const auto issued = issue(*issuer(options({kHttp})), {"b.example.com"});
  EXPECT_TRUE(issued) << why(issued);
  EXPECT_EQ(storage_.held().records, records);
}

TEST_F(Pebble, GetsOurAccountAgainAfterARestartOfItsOwn) {
  start();
  const auto ca = issuer(options({kTls}));
  ASSERT_TRUE(issue(*ca, {"a.example.com"}));
  start();
  const auto issued = issue(*ca, {"a.example.com"});
  EXPECT_TRUE(issued) << why(issued);
}

}  // namespace
}  // namespace gatehouse::certs::acme_pebble_test
