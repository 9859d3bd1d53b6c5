#include "certs/internal_issuer.h"

#include <gtest/gtest.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "base/gate.h"
#include "certs/signing.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"

namespace gatehouse::certs::internal_issuer_test {
namespace {

using std::chrono::days;
using std::chrono::hours;

using Issued = std::expected<tls::CertificateRef, IssueError>;

bssl::UniquePtr<X509> parsed(const tls::Certificate& certificate, std::size_t at) {
  const CRYPTO_BUFFER* der = certificate.chain().at(at).get();
  const std::uint8_t* bytes = CRYPTO_BUFFER_data(der);
  return bssl::UniquePtr<X509>(
      d2i_X509(nullptr, &bytes, static_cast<long>(CRYPTO_BUFFER_len(der))));
}

struct InternalIssuerTest : testing::Test {
  base::Loop loop;
  base::BlockingPool blocking{1};
  MemoryStorage storage{loop};
  base::WallTime now = base::wall_now();
  tls::PrivateKey key = *tls::PrivateKey::generate(tls::KeyType::kP256);

  std::unique_ptr<InternalIssuer> issuer(storage::Storage& in) {
    return std::make_unique<InternalIssuer>(loop, blocking, in, InternalLifetimes(),
                                            [this] { return now; });
  }
  std::unique_ptr<InternalIssuer> issuer() { return issuer(storage); }
  Issued issue(Issuer& from, std::vector<std::string> names = {"a.localhost"}) {
    IssueRequest request(std::move(names), key, base::Deadline::never());
    return run_task(loop, from.issue(std::move(request)));
  }
  tls::CertificateRef held(const std::string& record) {
    return parse_record(storage.held().records.at(record))->certificate;
  }
};

TEST_F(InternalIssuerTest, SignsAChainThatClientsAccept) {
  auto ca = issuer();
  const auto issued = issue(*ca, {"a.localhost", "*.b.localhost", "127.0.0.1"});
  ASSERT_TRUE(issued) << issued.error().error.detail;
  const auto& certificate = **issued;
  ASSERT_EQ(certificate.chain().size(), 2u);
  EXPECT_TRUE(certificate.covers("a.localhost"));
  EXPECT_TRUE(certificate.covers("x.b.localhost"));
  // As a client does it: with the root as the only thing it trusts.
  const auto root = held("internal/root");
  bssl::UniquePtr<X509_STORE> trust(X509_STORE_new());
  ASSERT_EQ(X509_STORE_add_cert(trust.get(), parsed(*root, 0).get()), 1);
  bssl::UniquePtr<STACK_OF(X509)> sent(sk_X509_new_null());
  sk_X509_push(sent.get(), parsed(certificate, 1).release());
  auto leaf = parsed(certificate, 0);
  bssl::UniquePtr<X509_STORE_CTX> check(X509_STORE_CTX_new());
  ASSERT_EQ(X509_STORE_CTX_init(check.get(), trust.get(), leaf.get(), sent.get()), 1);
  X509_STORE_CTX_set_default(check.get(), "ssl_server");
  EXPECT_EQ(X509_verify_cert(check.get()), 1)
      << X509_verify_cert_error_string(X509_STORE_CTX_get_error(check.get()));
  EXPECT_EQ(X509_check_host(leaf.get(), "a.localhost", 11, 0, nullptr), 1);
  EXPECT_EQ(X509_check_ip_asc(leaf.get(), "127.0.0.1", 0), 1);
}

TEST_F(InternalIssuerTest, LivesAreTenYearsAMonthAndAWeek) {
  auto ca = issuer();
  const auto leaf = (*issue(*ca))->leaf();
  EXPECT_EQ(leaf.not_after, now + days(7));
  EXPECT_EQ(held("internal/intermediate")->leaf().not_after, now + days(30));
  EXPECT_EQ(held("internal/root")->leaf().not_after, now + days(3652));
}

TEST_F(InternalIssuerTest, ALeafNeverOutlivesItsIntermediateNorThatTheRoot) {
  auto ca = issuer();
  int intermediates = 0;
  std::string serial;
  const base::WallTime end = now + days(100);
  for (; now < end; now += hours(47)) {
    const auto issued = issue(*ca);
    ASSERT_TRUE(issued);
    const auto intermediate = held("internal/intermediate");
    EXPECT_LE((*issued)->leaf().not_after, intermediate->leaf().not_after);
    EXPECT_EQ((*issued)->leaf().not_after, now + days(7));
    EXPECT_LE(intermediate->leaf().not_after, held("internal/root")->leaf().not_after);
    if (intermediate->leaf().serial != serial) ++intermediates;
    serial = intermediate->leaf().serial;
  }
  EXPECT_GE(intermediates, 4);
  EXPECT_LE(intermediates, 6);
}

TEST_F(InternalIssuerTest, KeepsItsRootOverARestart) {
  auto first = issuer();
  ASSERT_TRUE(issue(*first));
  const auto root = held("internal/root")->leaf().serial;
  const auto intermediate = held("internal/intermediate")->leaf().serial;
  auto second = issuer();
  ASSERT_TRUE(issue(*second));
  EXPECT_EQ(held("internal/root")->leaf().serial, root);
  EXPECT_EQ(held("internal/intermediate")->leaf().serial, intermediate);
}

TEST_F(InternalIssuerTest, ReplacesARootThatIsNearItsEndWithItsIntermediate) {
  auto ca = issuer();
  ASSERT_TRUE(issue(*ca));
  const auto root = held("internal/root")->leaf().serial;
  now += days(3640);
  const auto issued = issue(*ca);
  ASSERT_TRUE(issued) << issued.error().error.detail;
  EXPECT_NE(held("internal/root")->leaf().serial, root);
  EXPECT_EQ((*issued)->leaf().not_after, now + days(7));
}

base::Task<void> issue_into(Issuer& issuer, tls::PrivateKey key, std::vector<Issued>& out) {
  std::vector<std::string> names(1, "a.localhost");
  IssueRequest request(std::move(names), std::move(key), base::Deadline::never());
  out.push_back(co_await issuer.issue(std::move(request)));
}

TEST_F(InternalIssuerTest, TwoProcessesOnOneStorageMakeOneRoot) {
  MemoryStorage other(loop, storage.share());
  auto first = issuer(storage);
  auto second = issuer(other);
  base::Gate gate(loop);
  std::vector<Issued> issued;
  for (int i = 0; i < 10; ++i) {
    gate.spawn(issue_into(i % 2 == 0 ? *first : *second, key, issued), "test");
  }
  ASSERT_TRUE(run_task(loop, gate.close()));
  ASSERT_EQ(issued.size(), 10u);
  const auto intermediate = held("internal/intermediate")->chain_pem();
  for (const auto& one : issued) {
    ASSERT_TRUE(one) << one.error().error.detail;
    EXPECT_TRUE((*one)->chain_pem().ends_with(intermediate));
  }
  EXPECT_EQ(storage.stored.size() + other.stored.size(), 2u);
}

TEST_F(InternalIssuerTest, ADamagedRootIsSetAsideAndReplacedTogetherWithItsIntermediate) {
  ASSERT_TRUE(issue(*issuer()));
  const auto intermediate = held("internal/intermediate")->leaf().serial;
  storage.held().records["internal/root"] = "{\"version\":1}";
  const auto issued = issue(*issuer());
  ASSERT_TRUE(issued) << issued.error().error.detail;
  EXPECT_TRUE(storage.held().aside.contains("internal/root"));
  EXPECT_NE(held("internal/intermediate")->leaf().serial, intermediate);
}

TEST_F(InternalIssuerTest, MakesNoRootThatCannotBeKept) {
  storage.fail_stores = true;
  const auto issued = issue(*issuer());
  ASSERT_FALSE(issued);
  EXPECT_EQ(issued.error().error.side, base::Side::kStorage);
}

TEST_F(InternalIssuerTest, GoesOnWithItsIntermediateWhileStorageFails) {
  auto ca = issuer();
  ASSERT_TRUE(issue(*ca));
  const auto end = held("internal/intermediate")->leaf().not_after;
  storage.fail_loads = storage.fail_stores = true;
  now += days(26);
  const auto issued = issue(*ca);
  ASSERT_TRUE(issued) << issued.error().error.detail;
  EXPECT_EQ((*issued)->leaf().not_after, end);
}

TEST_F(InternalIssuerTest, GivesItsRootToTheCommandLine) {
  const auto pem = run_task(loop, internal_root_pem(loop, blocking, storage));
  ASSERT_TRUE(pem);
  EXPECT_TRUE(pem->starts_with("-----BEGIN CERTIFICATE-----"));
  EXPECT_EQ(*pem, held("internal/root")->chain_pem());
  EXPECT_EQ(*pem, *run_task(loop, internal_root_pem(loop, blocking, storage)));
}

TEST(SignCertificate, MarksAuthoritiesAndLeaves) {
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  CertificateRequest request;
  request.role = Role::kRoot;
  request.common_name = "Root";
  request.not_before = base::wall_now();
  request.not_after = request.not_before + days(3652);
  const auto root = *tls::Certificate::make(*sign_certificate(request, key, nullptr), key);
  const auto root_x509 = parsed(*root, 0);
  EXPECT_EQ(X509_check_ca(root_x509.get()), 1);
  request.role = Role::kLeaf;
  request.names = {"a.example"};
  const auto leaf = *tls::Certificate::make(*sign_certificate(request, key, root.get()), key);
  const auto leaf_x509 = parsed(*leaf, 0);
  EXPECT_EQ(X509_check_ca(leaf_x509.get()), 0);
  EXPECT_EQ(leaf->leaf().names, std::vector<std::string>{"a.example"});
  // An empty subject wants a critical SAN (RFC 5280 4.2.1.6).
  const int at = X509_get_ext_by_NID(leaf_x509.get(), NID_subject_alt_name, -1);
  EXPECT_EQ(X509_EXTENSION_get_critical(X509_get_ext(leaf_x509.get(), at)), 1);
  EXPECT_EQ(X509_NAME_entry_count(X509_get_subject_name(leaf_x509.get())), 0);
  EXPECT_NE(leaf->leaf().serial, root->leaf().serial);
}

}  // namespace
}  // namespace gatehouse::certs::internal_issuer_test
