// What a CA's refusal says to who tries the next thing.
#include <gmock/gmock.h>

#include "tests/certs/acme_house.h"

namespace gatehouse::certs::issue_error_test {
namespace {

using acme::FakeCa;
using acme::ScriptReply;
using ::testing::HasSubstr;

class IssueErrors : public AcmeHouse {
 protected:
  IssueError refused(const std::string& path, ScriptReply reply) {
    script(path, std::move(reply));
    return refused();
  }
  IssueError refused() {
    const auto issued = issue();
    EXPECT_FALSE(issued);
    return issued ? IssueError() : issued.error();
  }
};

TEST_F(IssueErrors, OfWhatIsSeenFromOutsideSendsNobodyToAnotherCa) {
  ca.decide = [](const std::string&, const std::string&) { return "connection"; };
  const auto error = refused();
  EXPECT_FALSE(error.other_issuer);
  EXPECT_FALSE(error.whole_issuer);
  EXPECT_FALSE(error.lasting);
  EXPECT_THAT(error.advice, HasSubstr("ports 80 and 443"));
}

TEST_F(IssueErrors, OfTheCasPolicyAreForAnotherCa) {
  const auto error = refused("/new-order", FakeCa::problem(403, "rejectedIdentifier"));
  EXPECT_TRUE(error.other_issuer);
  EXPECT_FALSE(error.whole_issuer);
  EXPECT_TRUE(error.lasting);
}

TEST_F(IssueErrors, OfACaInTroubleAreEverybodys) {
  for (const auto& reply : {ScriptReply(500, "<html>"), FakeCa::problem(503, "serverInternal")}) {
    const auto error = refused("/new-order", reply);
    EXPECT_TRUE(error.other_issuer);
    EXPECT_TRUE(error.whole_issuer);
    EXPECT_FALSE(error.lasting);
  }
}

TEST_F(IssueErrors, OfLimitsAreTheNamesOrEverybodys) {
  const auto name =
      refused("/new-order",
              FakeCa::problem(
                  429, "rateLimited",
                  "too many certificates (50) already issued for \"a.test\" in the last 168h0m0s"));
  EXPECT_FALSE(name.whole_issuer);
  const auto all =
      refused("/new-order",
              FakeCa::problem(429, "rateLimited",
                              "too many new orders (300) from this account in the last 3h0m0s"));
  EXPECT_TRUE(all.whole_issuer);
  EXPECT_TRUE(all.other_issuer);
}

TEST_F(IssueErrors, OfWhatIsNoAcmeAreEverybodys) {
  const auto error = refused("/dir", ScriptReply(200, "<html>captive portal</html>"));
  EXPECT_TRUE(error.other_issuer);
  EXPECT_TRUE(error.whole_issuer);
}

TEST_F(IssueErrors, OfACaThatIsBusyAreEverybodys) {
  for (auto reply : {FakeCa::problem(503, "rateLimited", "Service busy; retry later."),
                     ScriptReply(503, "{}"), ScriptReply(429, "<html>slow down</html>")}) {
    const auto error = refused("/new-order", reply.with("Retry-After", "120"));
    EXPECT_TRUE(error.whole_issuer) << error.error.detail;
    EXPECT_FALSE(error.lasting);
    EXPECT_FALSE(error.not_before.passed());
  }
}

TEST_F(IssueErrors, OfADirectoryThatIsNotToBeHadAreEverybodys) {
  for (const auto& reply : {ScriptReply(404, "<html>not here</html>"), ScriptReply(403, ""),
                            FakeCa::problem(404, "malformed", "Page not found")}) {
    const auto error = refused("/dir", reply);
    EXPECT_TRUE(error.whole_issuer) << error.error.detail;
    EXPECT_TRUE(error.other_issuer);
    EXPECT_FALSE(error.lasting);
  }
  const auto limited = refused("/dir", ScriptReply(429, "<html>").with("Retry-After", "120"));
  EXPECT_TRUE(limited.whole_issuer);
  EXPECT_FALSE(limited.not_before.passed());
}

TEST_F(IssueErrors, OfNewNonceAreEverybodys) {
  ca.nonces_everywhere = false;
  EXPECT_TRUE(refused("/new-nonce", ScriptReply(404, "<html>")).whole_issuer);
}

TEST_F(IssueErrors, OfWhoStandsBetweenUsAndTheCaAreEverybodys) {
  const auto error = refused("/new-order", ScriptReply(403, "<html>blocked</html>"));
  EXPECT_TRUE(error.whole_issuer);
  EXPECT_TRUE(error.other_issuer);
  EXPECT_FALSE(error.lasting);
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(IssueErrors, HaveTheMomentThatTheWordsOfTheCaName) {
  const auto error =
      refused("/new-order", FakeCa::problem(429, "rateLimited",
                                            "too many certificates (5) already issued for this "
                                            "exact set of identifiers in the last 168h0m0s, retry "
                                            "after 2094-11-27 12:00:00 UTC: see https://ca.test/"));
  EXPECT_FALSE(error.whole_issuer);
  EXPECT_GT(error.not_before.at(), base::Clock::now() + std::chrono::hours(24));
}

TEST_F(IssueErrors, OfAnOrderForWhichTheCaWantsTimeSayHowMuch) {
  ca.processing_looks = 1'000'000;
  ca.intercept = [&](const acme::ScriptRequest& request, const auto&) {
    std::optional<ScriptReply> reply;
    if (!request.path.starts_with("/order/") || ca.processing_looks == 0) return reply;
    reply = ScriptReply(200, R"({"status": "processing", "authorizations": []})");
    reply->with("Retry-After", "3600");
    return reply;
  };
  const auto error = refused();
  EXPECT_EQ(error.error.code, base::Code::kTimeout);
  EXPECT_FALSE(error.whole_issuer);
  EXPECT_GT(error.not_before.at(), base::Clock::now() + std::chrono::minutes(58));
  EXPECT_EQ(ca.count("/order/"), 1);
  ca.processing_looks = 0;
  const auto issued = issue();
  EXPECT_TRUE(issued) << why(issued);
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(IssueErrors, OfACertificateThatIsNotValidYetKeepTheOrder) {
  authority.ahead = std::chrono::hours(3);
  const auto error = refused();
  EXPECT_THAT(error.error.detail, HasSubstr("by this machine's clock it is"));
  EXPECT_THAT(error.advice, HasSubstr("clock"));
  EXPECT_FALSE(error.whole_issuer);
  EXPECT_FALSE(error.other_issuer);
  EXPECT_FALSE(error.lasting);
  EXPECT_GT(error.not_before.at(), base::Clock::now() + std::chrono::minutes(110));
  EXPECT_LT(error.not_before.at(), base::Clock::now() + std::chrono::minutes(125));
  EXPECT_FALSE(issue());
  EXPECT_EQ(ca.count("/new-order"), 1);
  if (skips) time.pass(base::Duration(std::chrono::hours(2)));
  const auto issued = issue();
  EXPECT_TRUE(issued) << why(issued);
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(IssueErrors, OfACaThatIsNotThereAreEverybodys) {
  AcmeOptions nowhere = options();
  nowhere.directory = "http://127.0.0.1:1/dir";
  issuer_ = std::make_unique<AcmeIssuer>(parts(), nowhere);
  const auto error = refused();
  EXPECT_TRUE(error.other_issuer);
  EXPECT_TRUE(error.whole_issuer);
}

TEST_F(IssueErrors, OfOurOwnFilesAreNotTheCas) {
  AcmeOptions without = options();
  without.ca_file = "/nonexistent/roots.pem";
  issuer_ = std::make_unique<AcmeIssuer>(parts(), without);
  EXPECT_FALSE(refused().whole_issuer);
}

TEST_F(IssueErrors, UnauthorizedIsTheNamesOfAChallengeAndTheAccountsElse) {
  const auto account = refused("/new-order", FakeCa::problem(403, "unauthorized"));
  EXPECT_TRUE(account.whole_issuer);
  EXPECT_TRUE(account.lasting);
  EXPECT_TRUE(account.other_issuer);
  ca.intercept = nullptr;
  ca.decide = [](const std::string&, const std::string&) { return "unauthorized"; };
  const auto name = refused();
  EXPECT_FALSE(name.whole_issuer);
  EXPECT_FALSE(name.lasting);
  EXPECT_FALSE(name.other_issuer);
}

}  // namespace
}  // namespace gatehouse::certs::issue_error_test
