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
