// What an ACME issuer lives in beside a CA on its own loop, whose answers can break in every way;
// what both wait for comes at once.
#pragma once

#include <gtest/gtest.h>

#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <memory>
#include <string>
#include <vector>

#include "certs/acme_issuer.h"
#include "certs/orders.h"
#include "tests/acme/fake_ca.h"
#include "tests/acme/loop_server.h"
#include "tests/base/skipped_time.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/test_authority.h"

namespace gatehouse::certs {

using ErringCa = acme::FakeCaOn<acme::LoopServer>;

// How an order ended.
struct Ended {
  std::expected<tls::CertificateRef, IssueError> issued =
      std::unexpected(IssueError(base::Error(base::Code::kInternal, "it has not ended")));
  base::Duration took{0};
  bool over = false;

  std::string detail() const { return issued ? "" : issued.error().error.detail; }
};

struct ErringHouse : testing::Test {
  ErringHouse() {
    std::ofstream(roots) << authority.pem();  // the system's take long to read
    ca.sign = [this](const std::string& csr, std::vector<std::string> names) {
      return authority.sign_request(csr, std::move(names));
    };
    start_anew();
  }

  ~ErringHouse() override { std::remove(roots.c_str()); }

  // An issuer that knows nothing of the CA, with an empty storage.
  void start_anew() {
    issuer.reset();
    time.settle();
    storage = std::make_unique<MemoryStorage>(loop);
    AcmeOptions options;
    options.directory = ca.directory_url();
    options.email = "ops@example.com";
    options.user_agent = "gatehouse-test/1";
    options.ca_file = roots;
    issuer = std::make_unique<AcmeIssuer>(
        AcmeIssuer::Parts{loop, blocking, resolver, *storage, challenges}, std::move(options));
  }

  base::Task<void> order_into(std::string name, Ended& ended) {
    const auto began = base::Clock::now();
    std::vector<std::string> names(1, name);
    IssueRequest request(std::move(names), key, base::Deadline::in(Orders::kOrderTime));
    ended.issued = co_await issuer->issue(std::move(request));
    if (ended.issued) co_await issuer->forget_order(std::move(name));
    ended.took = std::chrono::duration_cast<base::Duration>(base::Clock::now() - began);
    ended.over = true;
  }
  Ended order(std::string name) {
    Ended ended;
    time.run(order_into(std::move(name), ended));
    return ended;
  }

  base::Loop loop;
  base::BlockingPool blocking{1};
  base::SkippedTime time{loop, blocking};
  TestAuthority authority;
  ErringCa ca{loop};
  std::string roots =
      testing::TempDir() + "gatehouse_erring_" + std::to_string(::getpid()) + ".pem";
  base::Resolver resolver;
  std::unique_ptr<MemoryStorage> storage;
  ChallengeStore challenges;
  tls::PrivateKey key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  std::unique_ptr<AcmeIssuer> issuer;
};

}  // namespace gatehouse::certs
