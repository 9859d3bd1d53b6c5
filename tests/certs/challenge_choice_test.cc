#include "certs/challenge_choice.h"

#include <gtest/gtest.h>

namespace gatehouse::certs::challenge_choice_test {
namespace {

using acme::ChallengeType;

constexpr auto kHttp = ChallengeType::kHttp01;
constexpr auto kTls = ChallengeType::kTlsAlpn01;
constexpr auto kDns = ChallengeType::kDns01;

acme::Authorization of(const std::string& name,
                       std::vector<std::string> types = {"dns-01", "http-01", "tls-alpn-01"}) {
  acme::Authorization authorization;
  authorization.identifier = name;
  for (const std::string& type : types) {
    acme::Challenge challenge;
    challenge.type = type;
    challenge.token = "token";
    authorization.challenges.push_back(challenge);
  }
  return authorization;
}

std::string chosen(const ChallengeChoice& choice, const acme::Authorization& authorization,
                   const TriedChallenges& tried = {}) {
  const acme::Challenge* challenge = choice.choose(authorization, tried);
  return challenge == nullptr ? "none" : challenge->type;
}

TEST(ChallengeChoice, KeepsTheConfiguredOrder) {
  EXPECT_EQ(chosen(ChallengeChoice({kTls, kHttp}), of("a.test")), "tls-alpn-01");
  EXPECT_EQ(chosen(ChallengeChoice({kHttp, kTls}), of("a.test")), "http-01");
  EXPECT_EQ(chosen(ChallengeChoice({kTls, kHttp}), of("a.test", {"http-01"})), "http-01");
}

TEST(ChallengeChoice, DoesNotTryATypeTwice) {
  const ChallengeChoice choice({kTls, kHttp});
  TriedChallenges tried{{"a.test", {kTls}}};
  EXPECT_EQ(chosen(choice, of("a.test"), tried), "http-01");
  EXPECT_EQ(chosen(choice, of("b.test"), tried), "tls-alpn-01");
  tried["a.test"].insert(kHttp);
  EXPECT_EQ(chosen(choice, of("a.test"), tried), "none");
}

TEST(ChallengeChoice, OffersNothingItCannotAnswer) {
  EXPECT_EQ(chosen(ChallengeChoice({kTls, kHttp}), of("*.a.test", {"dns-01"})), "none");
  EXPECT_EQ(chosen(ChallengeChoice({}), of("a.test")), "none");
  acme::Authorization tokenless = of("a.test");
  for (acme::Challenge& challenge : tokenless.challenges) challenge.token.clear();
  EXPECT_EQ(chosen(ChallengeChoice({kTls, kHttp}), tokenless), "none");
}

TEST(ChallengeChoice, RemembersWhatWorkedForAName) {
  ChallengeChoice choice({kTls, kHttp});
  choice.worked("a.test", kHttp);
  EXPECT_EQ(chosen(choice, of("a.test")), "http-01");
  EXPECT_EQ(chosen(choice, of("b.test")), "tls-alpn-01");
  choice.failed("a.test", kHttp);
  choice.worked("b.test", kTls);
  EXPECT_EQ(chosen(choice, of("a.test")), "tls-alpn-01");
}

TEST(ChallengeChoice, TriesATypeLastThatHasOnlyEverFailed) {
  ChallengeChoice choice({kTls, kHttp});
  choice.failed("a.test", kTls);
  EXPECT_EQ(chosen(choice, of("b.test")), "http-01");
  choice.worked("c.test", kTls);
  EXPECT_EQ(chosen(choice, of("b.test")), "tls-alpn-01");
}

TEST(ChallengeChoice, RemembersABoundedNumberOfNames) {
  ChallengeChoice choice({kTls, kHttp});
  for (std::size_t i = 0; i <= ChallengeChoice::kNames; ++i) {
    choice.worked("n" + std::to_string(i) + ".test", kHttp);
  }
  std::size_t remembered = 0;
  for (std::size_t i = 0; i <= ChallengeChoice::kNames; ++i) {
    remembered += chosen(choice, of("n" + std::to_string(i) + ".test")) == "http-01" ? 1 : 0;
  }
  EXPECT_EQ(remembered, ChallengeChoice::kNames);
}

TEST(ChallengeChoice, AWildcardGoesByDnsEvenWhereOtherNamesDoNot) {
  const ChallengeChoice choice({kTls, kDns}, DnsUse::kWildcards);
  acme::Authorization wildcard = of("a.test", {"dns-01"});
  wildcard.wildcard = true;
  EXPECT_EQ(chosen(choice, wildcard), "dns-01");
  EXPECT_EQ(chosen(choice, of("a.test")), "tls-alpn-01");
  EXPECT_EQ(chosen(choice, of("a.test", {"dns-01"})), "none");
  EXPECT_EQ(chosen(ChallengeChoice({kTls, kDns}), of("a.test", {"dns-01"})), "dns-01");
}

TEST(ChallengeChoice, WhatWorkedForAWildcardSaysNothingOfTheNameItself) {
  ChallengeChoice choice({kTls, kDns});
  choice.worked("*.a.test", kDns);
  EXPECT_EQ(chosen(choice, of("a.test")), "tls-alpn-01");
}

}  // namespace
}  // namespace gatehouse::certs::challenge_choice_test
