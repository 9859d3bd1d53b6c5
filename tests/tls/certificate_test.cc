#include "tls/certificate.h"

#include <gtest/gtest.h>
#include <openssl/pool.h>

#include "tests/tls/test_ca.h"

namespace gatehouse::tls::certificate_test {
namespace {

using base::Code;
using namespace std::chrono_literals;

PrivateKey new_key() { return PrivateKey::generate(KeyType::kP256).value(); }

std::string leaf_of(const TestCa& ca, std::vector<std::string> names, const PrivateKey& key) {
  TestRequest request;
  request.names = std::move(names);
  return ca.issue(request, key);
}

TEST(Certificate, KnowsItsLeaf) {
  TestCa ca("The Root");
  TestRequest request;
  request.names = {"A.Example", "*.b.example", "192.0.2.7", "2001:db8::7"};
  const auto made = ca.certificate(request);
  const auto& leaf = made->leaf();
  EXPECT_EQ(leaf.names,
            (std::vector<std::string>{"a.example", "*.b.example", "192.0.2.7", "2001:db8::7"}));
  EXPECT_EQ(leaf.not_before, request.not_before);
  EXPECT_EQ(leaf.not_after, request.not_after);
  EXPECT_EQ(leaf.issuer, "The Root");
  EXPECT_EQ(leaf.serial.size(), 32u);
  EXPECT_TRUE(leaf.serial.starts_with("41"));
  EXPECT_EQ(made->chain().size(), 2u);
  EXPECT_TRUE(made->valid_at(request.not_before));
  EXPECT_TRUE(made->valid_at(request.not_before - kClockSkew)) << "our clock is a bit behind";
  EXPECT_FALSE(made->valid_at(request.not_before - kClockSkew - 1s));
  EXPECT_FALSE(made->valid_at(request.not_after));
}

TEST(Certificate, GivesItsChainBack) {
  TestCa ca;
  const auto key = new_key();
  const auto pem = leaf_of(ca, {"a.example"}, key) + ca.pem();
  EXPECT_EQ(Certificate::make(pem, key).value()->chain_pem(), pem);
}

TEST(Certificate, SharesEqualBlocks) {
  TestCa ca;
  const auto one = ca.certificate({"a.example"});
  const auto two = ca.certificate({"b.example"});
  EXPECT_EQ(CRYPTO_BUFFER_data(one->chain()[1].get()), CRYPTO_BUFFER_data(two->chain()[1].get()));
}

TEST(Certificate, RefusesTheKeyOfAnother) {
  TestCa ca;
  auto made = Certificate::make(leaf_of(ca, {"a.example"}, new_key()), new_key());
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kDenied);
  made = Certificate::make(leaf_of(ca, {"a.example"}, new_key()), PrivateKey());
  EXPECT_FALSE(made);
}

TEST(Certificate, SaysWhichBlockIsBad) {
  TestCa ca;
  const auto key = new_key();
  const auto leaf = leaf_of(ca, {"a.example"}, key);
  const auto bad = pem_block("CERTIFICATE", "not DER");
  EXPECT_EQ(Certificate::make(bad, key).error().code, Code::kMalformed);
  EXPECT_EQ(Certificate::make("", key).error().code, Code::kMalformed);
  auto made = Certificate::make(leaf + ca.pem() + bad, key);
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kMalformed);
  EXPECT_NE(made.error().detail.find("block 3"), std::string::npos);
  std::string much = leaf;
  for (std::size_t i = 0; i < kMostChain; ++i) much += ca.pem();
  EXPECT_EQ(Certificate::make(much, key).error().code, Code::kTooLarge);
}

TEST(Certificate, CoversExactNamesAndOneWildcardLabel) {
  TestCa ca;
  const auto made = ca.certificate({"a.example", "*.b.example"});
  for (const char* name : {"a.example", "x.b.example", "*.b.example"}) {
    EXPECT_TRUE(made->covers(name)) << name;
  }
  for (const char* name : {"b.example", "x.a.example", "x.y.b.example", "", ".", ".b.example",
                           "example", "xb.example"}) {
    EXPECT_FALSE(made->covers(name)) << name;
  }
}

// --- check_issued ---

struct Issued : testing::Test {
  void expect_denied(const base::Result<>& result, const std::string& why) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error().code, Code::kDenied);
    EXPECT_NE(result.error().detail.find(why), std::string::npos) << result.error().detail;
  }
  TestCa root;
  TestCa intermediate{root, "Intermediate"};
  PrivateKey key = new_key();
  base::WallTime now = base::wall_now();
};

TEST_F(Issued, AcceptsAWholeChain) {
  const auto leaf = leaf_of(intermediate, {"a.example", "*.b.example"}, key);
  const auto made = Certificate::make(leaf + intermediate.pem() + root.pem(), key).value();
  EXPECT_TRUE(check_issued(*made, {"a.example"}, now));
  EXPECT_TRUE(check_issued(*made, {"a.example", "*.b.example", "x.b.example"}, now));
  EXPECT_TRUE(check_issued(*Certificate::make(leaf, key).value(), {"a.example"}, now));
}

TEST_F(Issued, RefusesMissingNames) {
  const auto made = root.certificate({"a.example", "*.b.example"});
  expect_denied(check_issued(*made, {"a.example", "c.example"}, now), "c.example");
  expect_denied(check_issued(*made, {"*.a.example"}, now), "*.a.example");
}

TEST_F(Issued, RefusesDatesThatDoNotHold) {
  TestRequest request;
  request.names = {"a.example"};
  const auto made = root.certificate(request);
  expect_denied(check_issued(*made, {}, request.not_after), "expired");
  expect_denied(check_issued(*made, {}, request.not_before - 61s), "not valid before");
  EXPECT_TRUE(check_issued(*made, {}, request.not_before - 60s)) << "a clock that is a bit behind";
}

TEST_F(Issued, RefusesBlocksThatDidNotSign) {
  const auto leaf = leaf_of(intermediate, {"a.example"}, key);
  TestCa twin("Test Root");  // the same name, another key
  const auto wrong_order = Certificate::make(leaf + root.pem() + intermediate.pem(), key).value();
  expect_denied(check_issued(*wrong_order, {"a.example"}, now), "certificate 2");
  const auto wrong_key = Certificate::make(leaf + intermediate.pem() + twin.pem(), key).value();
  expect_denied(check_issued(*wrong_key, {"a.example"}, now), "certificate 3");
}

}  // namespace
}  // namespace gatehouse::tls::certificate_test
