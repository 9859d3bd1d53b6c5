// Whole orders at a real ACME server.
#include <gmock/gmock.h>

#include "acme/base64url.h"
#include "tests/certs/pebble_house.h"

namespace gatehouse::certs::acme_pebble_test {
namespace {

using ::testing::HasSubstr;

using Pebble = PebbleHouse;

TEST_F(Pebble, SignsAfterHttp01) {
  start();
  const auto ca = issuer(options({kHttp}));
  const auto issued = issue(*ca, {"a.example.com", "b.example.com"});
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_TRUE((*issued)->covers("a.example.com"));
  EXPECT_TRUE((*issued)->covers("b.example.com"));
  EXPECT_GE((*issued)->chain().size(), 2u);
}

TEST_F(Pebble, SignsAfterTlsAlpn01) {
  start();
  const auto ca = issuer(options({kTls}));
  const auto issued = issue(*ca, {"a.example.com"});
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_TRUE((*issued)->covers("a.example.com"));
}

TEST_F(Pebble, SignsForAnAddressAfterEachChallenge) {
  start();
  for (const acme::ChallengeType type : {kHttp, kTls}) {
    const auto ca = issuer(options({type}));
    const auto issued = issue(*ca, {"127.0.0.1"});
    ASSERT_TRUE(issued) << why(issued);
    EXPECT_EQ((*issued)->leaf().names, std::vector<std::string>{"127.0.0.1"});
  }
}

TEST_F(Pebble, SignsForNamesAndAnAddressTogether) {
  start();
  const auto ca = issuer(options({kTls}));
  const auto issued = issue(*ca, {"a.example.com", "127.0.0.1", "xn--bcher-kva.example.com"});
  ASSERT_TRUE(issued) << why(issued);
  for (const char* name : {"a.example.com", "127.0.0.1", "xn--bcher-kva.example.com"}) {
    EXPECT_TRUE((*issued)->covers(name)) << name;
  }
}

TEST_F(Pebble, SignsForAnAddressInTheProfileThatTakesIt) {
  config_["profiles"] = {{"classic", {{"description", "x"}, {"validityPeriod", 90 * 86400}}},
                         {"shortlived", {{"description", "y"}, {"validityPeriod", 160 * 3600}}}};
  start();
  auto wanted = options({kHttp});
  wanted.address_profile = "shortlived";
  const auto issued = issue(*issuer(wanted), {"127.0.0.1"});
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_NEAR(((*issued)->leaf().not_after - (*issued)->leaf().not_before).count(), 160 * 3600, 60);
}

TEST_F(Pebble, FallsBackToHttp01WhereTlsIsNotOurs) {
  config_["tlsPort"] = free_port();
  start();
  const auto ca = issuer(options({kTls, kHttp}));
  const auto issued = issue(*ca, {"a.example.com"});
  EXPECT_TRUE(issued) << why(issued);
}

TEST_F(Pebble, ExplainsWhenNoChallengeWorks) {
  config_["tlsPort"] = free_port();
  config_["httpPort"] = free_port();
  start();
  const auto ca = issuer(options({kTls, kHttp}));
  const auto issued = issue(*ca, {"a.example.com"});
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued), HasSubstr("http-01 for a.example.com: connection"));
  EXPECT_THAT(why(issued), HasSubstr("tls-alpn-01 for a.example.com: "));
}

TEST_F(Pebble, RefusesABlockedNameForGood) {
  config_["domainBlocklist"] = {"blocked.example.com"};
  start();
  const auto ca = issuer(options({kHttp}));
  const auto issued = issue(*ca, {"blocked.example.com"});
  ASSERT_FALSE(issued);
  EXPECT_TRUE(issued.error().lasting) << why(issued);
}

TEST_F(Pebble, BindsAnExternalAccount) {
  // As long as the longest MAC: shorter keys are none for it (RFC 7518 3.2).
  const std::string mac_key = acme::base64url(std::string(64, 'k'));
  config_["externalAccountBindingRequired"] = true;
  config_["externalAccountMACKeys"] = {{"kid-1", mac_key}};
  start();
  const auto without = issuer(options({kHttp}));
  const auto refused = issue(*without, {"a.example.com"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(why(refused), HasSubstr("eab"));
  auto bound = options({kHttp});
  using enum acme::MacAlgorithm;
  for (const acme::MacAlgorithm algorithm : {kHs256, kHs384, kHs512}) {
    storage_.held().records.clear();  // a new account
    bound.external = acme::ExternalAccount{"kid-1", mac_key, algorithm};
    const auto ca = issuer(bound);
    const auto issued = issue(*ca, {"a.example.com"});
    EXPECT_TRUE(issued) << acme::name(algorithm) << why(issued);
  }
}

TEST_F(Pebble, SaysWhenToRenewAndTakesTheOrderAsAReplacementOnce) {
  start();
  const auto ca = issuer(options({kHttp}));
  const auto first = issue(*ca, {"a.example.com"});
  ASSERT_TRUE(first) << why(first);
  const auto soon = base::Deadline::in(base::Duration(60'000));
  const auto info = run_task(loop_, ca->renewal_info(*first, soon));
  ASSERT_TRUE(info) << info.error().error.detail;
  EXPECT_GT(info->start, (*first)->leaf().not_before);
  EXPECT_LT(info->end, (*first)->leaf().not_after);
  // The second time Pebble says alreadyReplaced.
  for (int i = 0; i < 2; ++i) {
    IssueRequest request({"a.example.com"}, key_, soon);
    request.replaces = *first;
    const auto next = run_task(loop_, ca->issue(std::move(request)));
    EXPECT_TRUE(next) << why(next);
    run_task(loop_, ca->forget_order("a.example.com"));
  }
}

TEST_F(Pebble, SignsInTheProfileThatIsWanted) {
  config_["profiles"] = {{"classic", {{"description", "x"}, {"validityPeriod", 90 * 86400}}},
                         {"shortlived", {{"description", "y"}, {"validityPeriod", 160 * 3600}}}};
  start();
  auto wanted = options({kHttp});
  for (const auto& [profile, hours] :
       {std::pair("classic", 90 * 24), std::pair("shortlived", 160)}) {
    wanted.profile = profile;
    const auto issued = issue(*issuer(wanted), {"a.example.com"});
    ASSERT_TRUE(issued) << why(issued);
    const auto& leaf = (*issued)->leaf();
    EXPECT_NEAR((leaf.not_after - leaf.not_before).count(), hours * 3600, 60) << profile;
  }
  wanted.profile = "none";
  const auto refused = issue(*issuer(wanted), {"a.example.com"});
  ASSERT_FALSE(refused);
  EXPECT_THAT(why(refused), HasSubstr("it has classic, shortlived"));
}

TEST_F(Pebble, GivesOtherChainsThatAreValidToo) {
  start();
  auto wanted = options({kHttp});
  const auto usual = issue(*issuer(wanted), {"a.example.com"});
  wanted.preferred_chain = "smallest";
  const auto issued = issue(*issuer(wanted), {"a.example.com"});
  ASSERT_TRUE(usual && issued) << why(usual) << why(issued);
  EXPECT_LE((*issued)->chain().size(), (*usual)->chain().size());
}

TEST_F(Pebble, KnowsOurAccountAfterARestartOfOurs) {
  start();
  ASSERT_TRUE(issue(*issuer(options({kHttp})), {"a.example.com"}));
  const auto records = storage_.held().records;
  const auto issued = issue(*issuer(options({kHttp})), {"b.example.com"});
  EXPECT_TRUE(issued) << why(issued);
  EXPECT_EQ(storage_.held().records, records);
}

TEST_F(Pebble, GetsOurAccountAgainAfterARestartOfItsOwn) {
  start();
  const auto ca = issuer(options({kTls}));
  ASSERT_TRUE(issue(*ca, {"a.example.com"}));
  start();
  const auto issued = issue(*ca, {"a.example.com"});
  EXPECT_TRUE(issued) << why(issued);
}

}  // namespace
}  // namespace gatehouse::certs::acme_pebble_test
