// What an ACME issuer lives in, beside a scripted CA.
#pragma once

#include <gtest/gtest.h>

#include "certs/acme_issuer.h"
#include "tests/acme/fake_ca.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"
#include "tests/certs/test_authority.h"

namespace gatehouse::certs {

using Issued = std::expected<tls::CertificateRef, IssueError>;

class AcmeHouse : public ::testing::Test {
 protected:
  AcmeHouse() {
    ca.sign = [this](const std::string& csr, std::vector<std::string> names) {
      return authority.sign_request(csr, std::move(names));
    };
  }

  AcmeOptions options() {
    AcmeOptions options;
    options.directory = ca.directory_url();
    options.email = "ops@example.com";
    options.user_agent = "gatehouse-test/1";
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
    auto issued = run_task(loop, issuer().issue(IssueRequest(names, key, soon())));
    if (issued) run_task(loop, issuer().forget_order(names.front()));
    return issued;
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

  TestAuthority authority;
  acme::FakeCa ca;
  base::Loop loop;
  base::BlockingPool blocking{1};
  base::Resolver resolver;
  MemoryStorage storage{loop};
  ChallengeStore challenges;
  tls::PrivateKey key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  std::unique_ptr<AcmeIssuer> issuer_;
};

inline std::string why(const Issued& issued) { return issued ? "" : issued.error().error.detail; }

}  // namespace gatehouse::certs
