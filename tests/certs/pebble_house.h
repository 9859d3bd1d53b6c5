// A real ACME server for a test: Pebble (tools/pebble.sh), strict, refusing nonces at random, with
// its own DNS test server, and validating for real.
#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "certs/acme_issuer.h"
#include "tests/acme/script_server.h"
#include "tests/certs/child_process.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"
#include "tests/certs/test_authority.h"
#include "tests/certs/tls_alpn_responder.h"

namespace gatehouse::certs {

// A folder that goes with the test.
class TestFolder {
 public:
  TestFolder() {
    std::string name = (std::filesystem::temp_directory_path() / "gatehouse-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw std::runtime_error("no temporary folder");
    path_ = name;
  }
  ~TestFolder() { std::filesystem::remove_all(path_); }
  TestFolder(const TestFolder&) = delete;
  TestFolder& operator=(const TestFolder&) = delete;

  std::string write(const std::string& name, const std::string& text) const {
    const auto file = path_ / name;
    std::ofstream(file) << text;
    return file.string();
  }

 private:
  std::filesystem::path path_;
};

class PebbleHouse : public ::testing::Test {
 protected:
  PebbleHouse() {
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
    nlohmann::json all;
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
  using Issued = std::expected<tls::CertificateRef, IssueError>;
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

  TestFolder folder_;
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
  nlohmann::json config_;
  ChildProcess names_{{GATEHOUSE_ROOT "/build/deps/pebble/pebble-challtestsrv", "-http01", "",
                       "-https01", "", "-tlsalpn01", "", "-doh", "", "-defaultIPv6", "",
                       "-dnsserver", "127.0.0.1:" + std::to_string(dns_), "-management",
                       "127.0.0.1:" + std::to_string(free_port())},
                      {},
                      dns_};
  std::unique_ptr<ChildProcess> pebble_;
};

}  // namespace gatehouse::certs
