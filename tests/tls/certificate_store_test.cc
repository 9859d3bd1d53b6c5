#include "tls/certificate_store.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/tls/test_ca.h"

namespace gatehouse::tls::certificate_store_test {
namespace {

// The store does not look into certificates.
CertificateRef some() { return std::make_shared<const Certificate>(); }

TEST(CertificateStore, FindsTheExactNameBeforeTheWildcard) {
  CertificateStore store;
  const auto exact = some();
  const auto wildcard = some();
  store.put({"a.example.com"}, exact);
  store.put({"*.example.com"}, wildcard);
  EXPECT_EQ(store.find("a.example.com"), exact);
  EXPECT_EQ(store.find("b.example.com"), wildcard);
  EXPECT_EQ(store.find("x.b.example.com"), nullptr);
  EXPECT_EQ(store.find("example.com"), nullptr);
  EXPECT_EQ(store.find_exact("b.example.com"), nullptr);
  EXPECT_EQ(store.find_exact("*.example.com"), wildcard);
}

TEST(CertificateStore, ServesOneCertificateForSeveralNames) {
  CertificateStore store;
  const auto both = some();
  store.put({"a.example", "b.example"}, both);
  EXPECT_EQ(store.find("a.example"), both);
  EXPECT_EQ(store.find("b.example"), both);
  EXPECT_EQ(store.size(), 2u);
}

TEST(CertificateStore, ReplacesAndRemoves) {
  CertificateStore store;
  const auto old = some();
  const auto fresh = some();
  store.put({"a.example", "b.example"}, old);
  store.put({"a.example"}, fresh);
  EXPECT_EQ(store.find("a.example"), fresh);
  EXPECT_EQ(store.find("b.example"), old);
  store.remove("a.example");
  store.remove("never.there");
  EXPECT_EQ(store.find("a.example"), nullptr);
  EXPECT_EQ(store.size(), 1u);
}

// One of each kind of key.
struct Two {
  explicit Two(const TestCa& ca)
      : ecdsa(ca.certificate({"a.example"})),
        rsa(ca.certificate({"a.example"}, KeyType::kRsa2048)) {}
  CertificateRef ecdsa;
  CertificateRef rsa;
};

TEST(CertificateStore, KeepsOneOfEachKindOfKeyBesideTheOther) {
  const TestCa ca;
  const Two old(ca);
  const Two two(ca);
  const auto now = base::wall_now();
  for (const bool rsa_first : {false, true}) {
    CertificateStore store;
    if (rsa_first) store.prefer_rsa();
    store.put({"a.example"}, old.rsa, kRsaKeys);
    EXPECT_EQ(store.find("a.example", kEcdsaP256, now), old.rsa) << "what there is";
    store.put({"a.example"}, old.ecdsa, kEcdsaKeys);
    store.put({"a.example"}, two.rsa, kRsaKeys);
    store.put({"a.example"}, two.ecdsa, kEcdsaKeys);
    EXPECT_EQ(store.size(), 1u);
    EXPECT_EQ(store.find("a.example"), rsa_first ? two.rsa : two.ecdsa);
    EXPECT_EQ(store.find("a.example", kAllKeys, now), rsa_first ? two.rsa : two.ecdsa);
    EXPECT_EQ(store.find("a.example", kEcdsaP256, now), two.ecdsa);
    EXPECT_EQ(store.find("a.example", kRsaKeys, now), two.rsa);
    EXPECT_EQ(store.find("a.example", 0, now), rsa_first ? two.rsa : two.ecdsa);
    EXPECT_EQ(store.find_exact("a.example", kEcdsaKeys), two.ecdsa);
    EXPECT_EQ(store.find_exact("a.example", kRsaKeys), two.rsa);
    store.remove("a.example", kEcdsaKeys);
    EXPECT_EQ(store.find("a.example", kEcdsaP256, now), two.rsa);
    EXPECT_EQ(store.find_exact("a.example", kEcdsaKeys), nullptr);
    store.remove("a.example", kRsaKeys);
    EXPECT_EQ(store.size(), 0u);
  }
}

TEST(CertificateStore, ShowsTheOtherKindWhenTheFirstIsPastItsDates) {
  const TestCa ca;
  CertificateStore store;
  TestRequest over;
  over.names = {"a.example"};
  over.not_before = base::wall_now() - std::chrono::hours(2);
  over.not_after = base::wall_now() - std::chrono::hours(1);
  const auto ecdsa = ca.certificate(over);
  const auto rsa = ca.certificate({"a.example"}, KeyType::kRsa2048);
  store.put({"a.example"}, ecdsa, kEcdsaKeys);
  store.put({"a.example"}, rsa, kRsaKeys);
  const auto now = base::wall_now();
  EXPECT_EQ(store.find("a.example", kAllKeys, now), rsa);
  EXPECT_EQ(store.find("a.example", kEcdsaP256, now), ecdsa) << "whoever serves it gets another";
}

TEST(CertificateStore, PutsOneInPlaceOfBothWhenNoKindIsSaid) {
  const TestCa ca;
  const Two two(ca);
  CertificateStore store;
  store.put({"a.example"}, two.ecdsa, kEcdsaKeys);
  store.put({"a.example"}, two.rsa, kRsaKeys);
  store.put({"a.example"}, two.rsa);
  EXPECT_EQ(store.find("a.example", kEcdsaP256, base::wall_now()), two.rsa);
  EXPECT_EQ(store.find_exact("a.example", kEcdsaKeys), nullptr);
}

TEST(CertificateStore, HasNothingForOddNames) {
  CertificateStore store;
  store.put({"*.example"}, some());
  for (const std::string& name : {std::string(), std::string("."), std::string("example"),
                                  std::string(100'000, 'a'), "a." + std::string(100'000, 'b')}) {
    EXPECT_EQ(store.find(name), nullptr);
  }
}

TEST(CertificateStore, IsReadWhileItIsWritten) {
  CertificateStore store;
  const auto name_of = [](int i) { return "n" + std::to_string(i) + ".example"; };
  const auto wildcard = some();
  store.put({"*.example"}, wildcard);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> missed{0};
  std::vector<std::jthread> readers;
  for (int t = 0; t < 3; ++t) {
    readers.emplace_back([&, t] {
      for (int i = t; !stop; i = (i + 7) % 500) {
        if (!store.find(name_of(i))) ++missed;
      }
    });
  }
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 500; ++i) {
      if (round % 2 == 0) {
        store.put({name_of(i)}, some());
      } else {
        store.remove(name_of(i));
      }
    }
  }
  stop = true;
  readers.clear();
  EXPECT_EQ(missed, 0u);
  EXPECT_EQ(store.size(), 1u);
}

}  // namespace
}  // namespace gatehouse::tls::certificate_store_test
