#include "acme/nonces.h"

#include <gtest/gtest.h>

namespace gatehouse::acme::nonces_test {
namespace {

const base::TimePoint kNow = base::Clock::now();

TEST(Nonces, GivesEachOutOnceNewestFirst) {
  Nonces nonces;
  nonces.keep("a", kNow);
  nonces.keep("b", kNow);
  EXPECT_EQ(nonces.take(kNow), "b");
  EXPECT_EQ(nonces.take(kNow), "a");
  EXPECT_EQ(nonces.take(kNow), "");
}

TEST(Nonces, ForgetsTheOldOnes) {
  Nonces nonces;
  nonces.keep("a", kNow);
  EXPECT_EQ(nonces.take(kNow + Nonces::kAge), "a");
  nonces.keep("b", kNow);
  EXPECT_EQ(nonces.take(kNow + Nonces::kAge + base::Duration(1)), "");
  EXPECT_EQ(nonces.size(), 0u);
}

TEST(Nonces, KeepsABoundedNumber) {
  Nonces nonces;
  for (std::size_t i = 0; i <= Nonces::kKept; ++i) nonces.keep("n" + std::to_string(i), kNow);
  EXPECT_EQ(nonces.size(), Nonces::kKept);
  EXPECT_EQ(nonces.take(kNow), "n" + std::to_string(Nonces::kKept));
}

TEST(Nonces, IgnoresWhatIsNoNonce) {
  Nonces nonces;
  nonces.keep("", kNow);
  nonces.keep("a b", kNow);
  nonces.keep("a\"b", kNow);
  nonces.keep(std::string(Nonces::kNonceBytes + 1, 'a'), kNow);
  EXPECT_EQ(nonces.size(), 0u);
}

}  // namespace
}  // namespace gatehouse::acme::nonces_test
