// What an ACME issuer lives in, beside a scripted CA on its own loop; what both wait for comes at
// once where a test runs in `time`.
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <string>

#include "certs/acme_issuer.h"
#include "tests/acme/fake_ca.h"
#include "tests/acme/loop_server.h"
#include "tests/base/skipped_time.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"
#include "tests/certs/test_authority.h"

namespace gatehouse::certs {

using Issued = std::expected<tls::CertificateRef, IssueError>;

class AcmeHouse : public ::testing::Test {
 protected:
  AcmeHouse() {
    std::ofstream(roots) << authority.pem();  // the system's take long to read
    ca.sign = [this](const std::string& csr, std::vector<std::string> names) {
      return authority.sign_request(csr, std::move(names));
    };
  }
  ~AcmeHouse() override { std::remove(roots.c_str()); }

  AcmeOptions options() {
    AcmeOptions options;
    options.directory = ca.directory_url();
    options.email = "ops@example.com";
    options.user_agent = "gatehouse-test/1";
    options.ca_file = roots;
    return options;
  }
  AcmeIssuer::Parts parts() {
    return AcmeIssuer::Parts{loop, blocking, resolver, storage, challenges};
  }
  AcmeIssuer& issuer() {
    if (!issuer_) issuer_ = std::make_unique<AcmeIssuer>(parts(), options());
    return *issuer_;
  }
  Issued issue(std::vector<std::string> names = {"a.test"}) {
    auto issued = run(issuer().issue(IssueRequest(names, key, soon())));
    if (issued) run(issuer().forget_order(names.front()));
    return issued;
  }
  template <class T>
  T run(base::Task<T> task) {
    return skips ? time.run(std::move(task)) : run_task(loop, std::move(task));
  }
  static base::Deadline soon() { return base::Deadline::in(base::Duration(30'000)); }

  // The CA answers a path that begins like this with `reply`, `times` times.
  void script(std::string prefix, acme::ScriptReply reply, int times = 1'000'000) {
    ca.intercept = [prefix, reply, times](const acme::ScriptRequest& request,
                                          const auto&) mutable -> std::optional<acme::ScriptReply> {
      if (!request.path.starts_with(prefix) || times-- <= 0) return std::nullopt;
      return reply;
    };
  }

  base::Loop loop;
  base::BlockingPool blocking{1};
  base::SkippedTime time{loop, blocking};
  bool skips = true;  // not where a peer has a thread of its own, which may need its time
  TestAuthority authority;
  acme::FakeCaOn<acme::LoopServer> ca{loop};
  std::string roots = testing::TempDir() + "gatehouse_acme_" + std::to_string(::getpid()) + ".pem";
  base::Resolver resolver;
  MemoryStorage storage{loop};
  ChallengeStore challenges;
  tls::PrivateKey key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  std::unique_ptr<AcmeIssuer> issuer_;
};

inline std::string why(const Issued& issued) { return issued ? "" : issued.error().error.detail; }

}  // namespace gatehouse::certs
