#include "acme/problem.h"

#include <gtest/gtest.h>

#include "acme/failure.h"

namespace gatehouse::acme::problem_test {
namespace {

Problem of(std::string_view token, std::uint16_t status = 400) {
  return parse_problem(status,
                       R"({"type":"urn:ietf:params:acme:error:)" + std::string(token) + "\"}");
}

TEST(Problem, ReadsADocument) {
  const Problem problem = parse_problem(403, R"({
      "type": "urn:ietf:params:acme:error:userActionRequired",
      "detail": "new terms", "instance": "https://ca.test/terms", "status": 400})");
  EXPECT_TRUE(problem.is("userActionRequired"));
  EXPECT_EQ(problem.detail, "new terms");
  EXPECT_EQ(problem.instance, "https://ca.test/terms");
  EXPECT_EQ(problem.status, 403);  // as it came over HTTP
  EXPECT_EQ(problem.text(), "userActionRequired: new terms");
}

TEST(Problem, TellsWhichIdentifierIsMeant) {
  const Problem problem = parse_problem(403, R"({
      "type": "urn:ietf:params:acme:error:compound", "detail": "several",
      "subproblems": [
        {"type": "urn:ietf:params:acme:error:caa", "detail": "forbidden",
         "identifier": {"type": "dns", "value": "a.test"}},
        {"type": "urn:ietf:params:acme:error:dns", "identifier": {"value": "b.test"}},
        "no object", {"type": 7}]})");
  ASSERT_EQ(problem.subproblems.size(), 3u);
  EXPECT_EQ(problem.subproblems[0].identifier, "a.test");
  EXPECT_EQ(problem.subproblems[1].type, "dns");
  EXPECT_TRUE(problem.handling().lasting);
  EXPECT_FALSE(problem.handling().other_challenge);
  EXPECT_NE(problem.text().find("a.test: caa: forbidden"), std::string::npos);
}

TEST(Problem, OfAnHtmlPageIsOneOfTheServers) {
  const Problem unavailable = parse_problem(503, "<html><h1>503</h1></html>");
  EXPECT_EQ(unavailable.type, "");
  EXPECT_EQ(unavailable.text(), "status 503");
  EXPECT_TRUE(unavailable.handling().retry);
  EXPECT_FALSE(unavailable.handling().lasting);
  const Problem forbidden = parse_problem(403, "<html>");
  EXPECT_TRUE(forbidden.handling().retry);
  EXPECT_TRUE(forbidden.concerns_everybody());
  EXPECT_NE(forbidden.advice().find("a proxy, a firewall"), std::string_view::npos);
  EXPECT_FALSE(parse_problem(429, "slow down").handling().lasting);
}

TEST(Problem, SurvivesAnyDocument) {
  for (const char* body : {"", "null", "[]", "{}", R"({"type":7,"detail":[],"subproblems":{}})",
                           R"({"type":"about:blank"})", "{\"type\":\"\xff\"}", "{"}) {
    const Problem problem = parse_problem(400, body);
    EXPECT_EQ(problem.type, "") << body;
    EXPECT_EQ(problem.status, 400);
  }
}

TEST(Problem, WordsAreFitForLogs) {
  const Problem problem = parse_problem(
      400, R"({"type":"x\u0000y","detail":"one\r\ntwo)" + std::string(4000, 'z') + "\"}");
  EXPECT_EQ(problem.type, "x y");
  EXPECT_EQ(problem.detail, "");  // longer than any sentence
  EXPECT_EQ(printable("one\r\ntwo", 100), "one  two");
  EXPECT_EQ(printable("äöü", 3), "ä…");
}

TEST(ProblemTypes, SayWhatIsTriedNext) {
  for (const char* token : {"connection", "dns", "tls", "incorrectResponse", "unauthorized"}) {
    EXPECT_TRUE(of(token).handling().other_challenge) << token;
    EXPECT_FALSE(of(token).handling().lasting) << token;
  }
  for (const char* token :
       {"caa", "rejectedIdentifier", "unsupportedIdentifier", "externalAccountRequired",
        "userActionRequired", "badCSR", "badPublicKey", "malformed", "invalidProfile"}) {
    EXPECT_TRUE(of(token).handling().lasting) << token;
    EXPECT_FALSE(of(token).handling().other_challenge) << token;
  }
  for (const char* token : {"badNonce", "rateLimited", "serverInternal", "orderNotReady"}) {
    EXPECT_TRUE(of(token).handling().retry) << token;
    EXPECT_FALSE(of(token).handling().lasting) << token;
  }
  EXPECT_EQ(find_problem_type("noSuchToken"), nullptr);
}

TEST(Failure, SaysWhoseFaultItIsAndWhetherItMayPass) {
  const Failure limited("newOrder", of("rateLimited", 429));
  EXPECT_EQ(limited.error.code, base::Code::kOverload);
  EXPECT_EQ(limited.error.side, base::Side::kCa);
  EXPECT_EQ(limited.error.retry, base::Retry::kYes);
  const Failure forbidden("newOrder", of("caa", 403));
  EXPECT_EQ(forbidden.error.code, base::Code::kDenied);
  EXPECT_EQ(forbidden.error.retry, base::Retry::kNo);
  EXPECT_NE(forbidden.error.detail.find("newOrder"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::acme::problem_test
