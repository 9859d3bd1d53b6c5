#include "certs/challenge_store.h"

#include <gtest/gtest.h>
#include <openssl/pool.h>

#include <thread>

namespace gatehouse::certs::challenge_store_test {
namespace {

tls::CertificateRef some_certificate() { return std::make_shared<const tls::Certificate>(); }

TEST(ChallengeStore, AnswersOnlyWhatIsInFlight) {
  ChallengeStore store;
  EXPECT_EQ(store.find_http("token"), std::nullopt);
  EXPECT_TRUE(store.put_http("token", "token.thumbprint"));
  EXPECT_EQ(store.find_http("token"), "token.thumbprint");
  EXPECT_EQ(store.find_http("tokex"), std::nullopt);
  store.remove_http("token");
  EXPECT_EQ(store.find_http("token"), std::nullopt);
}

TEST(ChallengeStore, KeepsATokenThatTwoOrdersUseUntilBothHaveEnded) {
  ChallengeStore store;
  store.put_http("token", "answer");
  store.put_http("token", "answer");
  store.remove_http("token");
  EXPECT_EQ(store.find_http("token"), "answer");
  store.remove_http("token");
  EXPECT_EQ(store.find_http("token"), std::nullopt);
  store.remove_http("token");
  store.put_http("other", "answer");
  EXPECT_EQ(store.find_http("other"), "answer");
}

TEST(ChallengeStore, TheNewestCertificateOfANameAnswers) {
  ChallengeStore store;
  const auto first = some_certificate();
  const auto second = some_certificate();
  store.put_tls_alpn("a.test", first);
  store.put_tls_alpn("a.test", second);
  EXPECT_EQ(store.find_tls_alpn("a.test"), second);
  EXPECT_EQ(store.find_tls_alpn("b.test"), nullptr);
  store.remove_tls_alpn("a.test", second);
  EXPECT_EQ(store.find_tls_alpn("a.test"), first);
}

TEST(ChallengeStore, AnOrderRemovesItsOwnCertificateOnly) {
  ChallengeStore store;
  const auto first = some_certificate();
  const auto second = some_certificate();
  store.put_tls_alpn("a.test", first);
  store.put_tls_alpn("a.test", second);
  store.remove_tls_alpn("a.test", first);
  EXPECT_EQ(store.find_tls_alpn("a.test"), second);
  store.remove_tls_alpn("a.test", first);
  store.remove_tls_alpn("a.test", second);
  EXPECT_EQ(store.find_tls_alpn("a.test"), nullptr);
}

TEST(ChallengeStore, IsBounded) {
  ChallengeStore store;
  for (std::size_t i = 0; i < ChallengeStore::kInFlight; ++i) {
    ASSERT_TRUE(store.put_http("token" + std::to_string(i), "answer"));
  }
  EXPECT_FALSE(store.put_http("more", "answer"));
  EXPECT_FALSE(store.put_tls_alpn("a.test", some_certificate()));
  store.remove_http("token0");
  EXPECT_TRUE(store.put_tls_alpn("a.test", some_certificate()));
}

TEST(ChallengeStore, IsReadByWorkersWhileControlWrites) {
  ChallengeStore store;
  store.put_http("stays", "answer");
  std::atomic<bool> missed = false;
  std::vector<std::thread> workers;
  for (int w = 0; w < 4; ++w) {
    workers.emplace_back([&] {
      for (int i = 0; i < 2000; ++i) {
        if (store.find_http("stays") != "answer") missed = true;
        store.find_tls_alpn("a.test");
      }
    });
  }
  for (int i = 0; i < 2000; ++i) {
    const auto certificate = some_certificate();
    store.put_tls_alpn("a.test", certificate);
    store.put_http("comes", "answer");
    store.remove_tls_alpn("a.test", certificate);
    store.remove_http("comes");
  }
  for (std::thread& worker : workers) worker.join();
  EXPECT_FALSE(missed);
}

}  // namespace
}  // namespace gatehouse::certs::challenge_store_test
