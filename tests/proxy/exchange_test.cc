#include "proxy/exchange.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/stage.h"

namespace gatehouse::proxy::exchange_test {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class ExchangeTest : public StageTest {
 protected:
  // With listeners for both, unless `https` says otherwise.
  static config::Config sites(const std::string& list, const std::string& https = R"([":8443"])") {
    return config_of(R"({ "listen": { "https": )" + https + R"(, "http": [":8080"] },
      "tls": { "issuers": [{ "internal": {} }] }, "sites": [)" +
                     list + "] }");
  }
  static config::Config hello(const std::string& https = R"([":8443"])") {
    return sites(R"({ "hosts": ["a.example"], "respond": { "body": "hello\n" } })", https);
  }
  static ClientFacts over_tls() {
    auto facts = Visit::client();
    facts.tls = true;
    return facts;
  }
  static ClientFacts local() {
    auto facts = Visit::client();
    facts.is_local = true;
    return facts;
  }
};

TEST_F(ExchangeTest, AConfiguredAnswerIsGiven) {
  Stage stage(loop, sites(R"({ "hosts": ["a.example"], "respond": { "status": 418,
      "body": "short\n", "headers": { "X-Pot": "tea", "Content-Type": "text/x" } } })"));
  Visit visit(stage, over_tls());
  const auto answer = visit.ask(get("/"));
  EXPECT_EQ(status_of(answer), 418);
  EXPECT_EQ(field_of(answer, "X-Pot"), "tea");
  EXPECT_EQ(field_of(answer, "Content-Type"), "text/x");
  EXPECT_EQ(body_of(answer), "short\n");
}

TEST_F(ExchangeTest, HeadGetsTheLengthAndNoBody) {
  Stage stage(loop, hello());
  Visit visit(stage, over_tls());
  const auto all =
      visit.ask_to_the_end("HEAD / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n");
  EXPECT_EQ(field_of(all, "Content-Length"), "6");
  EXPECT_EQ(body_of(all), "");
}

TEST_F(ExchangeTest, AHostOfNoSiteIsNotFound) {
  Stage stage(loop, hello());
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask("GET / HTTP/1.1\r\nHost: b.example\r\n\r\n")), 404);
  EXPECT_EQ(status_of(visit.ask("GET / HTTP/1.0\r\n\r\n")), 404);
}

TEST_F(ExchangeTest, ASiteWithTlsIsRedirectedFromPlainHttp) {
  Stage stage(loop, hello());
  Visit visit(stage);
  const auto answer = visit.ask("GET /x%20y?q=1&r HTTP/1.1\r\nHost: A.example:8080\r\n\r\n");
  EXPECT_EQ(status_of(answer), 308);
  EXPECT_EQ(field_of(answer, "Location"), "https://a.example:8443/x%20y?q=1&r");
}

TEST_F(ExchangeTest, ThePortOfHttpsItselfIsLeftOutOfRedirects) {
  Stage stage(loop, hello(R"([":8443", ":443"])"));
  Visit visit(stage);
  EXPECT_EQ(field_of(visit.ask(get("/")), "Location"), "https://a.example/");
}

TEST_F(ExchangeTest, WithoutATlsListenerNothingIsRedirected) {
  Stage stage(loop, hello("[]"));
  Visit visit(stage);
  EXPECT_EQ(body_of(visit.ask(get("/"))), "hello\n");
}

TEST_F(ExchangeTest, APlainSiteIsNeverRedirected) {
  Stage stage(loop, sites(R"({ "hosts": ["a.example"], "tls": false,
                               "respond": { "body": "plain\n" } })"));
  Visit visit(stage);
  EXPECT_EQ(body_of(visit.ask(get("/"))), "plain\n");
}

TEST_F(ExchangeTest, ARedirectFillsInItsPlaceholders) {
  Stage stage(loop, sites(R"({ "hosts": ["*"], "tls": false, "routes": [
      { "match": { "path": ["/old/*"] },
        "redirect": { "to": "https://new.example{path}?from={host}", "status": 302 } },
      { "redirect": "https://{host}{uri}" }] })"));
  Visit visit(stage);
  const auto chosen = visit.ask(get("/old/x?q=1"));
  EXPECT_EQ(status_of(chosen), 302);
  EXPECT_EQ(field_of(chosen, "Location"), "https://new.example/old/x?from=a.example");
  const auto other = visit.ask(get("/y?q=1"));
  EXPECT_EQ(status_of(other), 308);
  EXPECT_EQ(field_of(other, "Location"), "https://a.example/y?q=1");
}

TEST_F(ExchangeTest, RoutesSeeThePathAsItIsWalked) {
  Stage stage(loop, sites(R"({ "hosts": ["*"], "tls": false, "routes": [
      { "match": { "path": ["/admin/*"] }, "respond": { "status": 403 } },
      { "match": { "path": ["/*"] }, "respond": { "body": "open\n" } }] })"));
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask(get("/public/../admin/x"))), 403);
  EXPECT_EQ(status_of(visit.ask(get("/%61dmin/x"))), 403);
  EXPECT_EQ(status_of(visit.ask(get("/public"))), 200);
}

TEST_F(ExchangeTest, APathOfNoRouteIsNotFound) {
  Stage stage(loop, sites(R"({ "hosts": ["*"], "tls": false, "routes": [
      { "match": { "path": ["/x"] }, "respond": {} }] })"));
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask(get("/y"))), 404);
}

TEST_F(ExchangeTest, OptionsOfTheServerItselfIsAnsweredHere) {
  Stage stage(loop, hello());
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask("OPTIONS * HTTP/1.1\r\nHost: a.example\r\n\r\n")), 204);
}

TEST_F(ExchangeTest, OptionsThatMayGoNoFurtherIsAnsweredHere) {
  Stage stage(loop, proxy_to({"http://127.0.0.1:1"}));
  Visit visit(stage);
  const std::string options = "OPTIONS / HTTP/1.1\r\nHost: a.example\r\n";
  EXPECT_EQ(status_of(visit.ask(options + "Max-Forwards: 0\r\n\r\n")), 204);
  EXPECT_EQ(status_of(visit.ask(options + "Max-Forwards: 1\r\n\r\n")), 502);
}

// --- challenges ---

TEST_F(ExchangeTest, AChallengeInFlightIsAnsweredForAnyHostBeforeAnyRule) {
  Stage stage(loop, hello());
  ASSERT_TRUE(stage.challenges.put_http("token-1", "token-1.thumbprint"));
  Visit visit(stage);
  for (const auto* host : {"a.example", "in.no.file.example"}) {
    const auto answer =
        visit.ask("GET /.well-known/acme-challenge/token-1 HTTP/1.1\r\nHost: " + std::string(host) +
                  "\r\n\r\n");
    EXPECT_EQ(status_of(answer), 200) << host;
    EXPECT_EQ(field_of(answer, "Content-Type"), "application/octet-stream");
    EXPECT_EQ(body_of(answer), "token-1.thumbprint");
  }
}

TEST_F(ExchangeTest, AChallengeThatIsNotInFlightIsAPathLikeAnyOther) {
  Stage stage(loop, hello());
  ASSERT_TRUE(stage.challenges.put_http("token-1", "token-1.thumbprint"));
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask(get("/.well-known/acme-challenge/token-2"))), 308);
  EXPECT_EQ(status_of(visit.ask("POST /.well-known/acme-challenge/token-1 HTTP/1.1\r\n"
                                "Host: a.example\r\nContent-Length: 0\r\n\r\n")),
            308);
  stage.challenges.remove_http("token-1");
  EXPECT_EQ(status_of(visit.ask(get("/.well-known/acme-challenge/token-1"))), 308);
}

// --- health ---

TEST_F(ExchangeTest, HealthIsToldToThisMachineAlone) {
  Stage stage(loop, hello());
  const std::string question =
      "GET " + std::string(Exchange::kHealthPath) + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
  {
    Visit visit(stage, local());
    EXPECT_EQ(status_of(visit.ask(question)), 200);
  }
  {
    Visit visit(stage, local());
    const auto relayed =
        question.substr(0, question.size() - 2) + "X-Forwarded-For: 198.51.100.1\r\n\r\n";
    EXPECT_EQ(status_of(visit.ask(relayed)), 404) << "a proxy on this machine asks for somebody";
  }
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask(question)), 404);
}

// --- short memory ---

TEST_F(ExchangeTest, WhereMemoryIsShortNewRequestsAreRefusedButForAFew) {
  Stage stage(loop, hello());
  stage.memory.note(stage.memory.limit() * 9 / 10);
  Visit visit(stage, over_tls());
  EXPECT_EQ(status_of(visit.ask(get("/"))), 200) << "it is not requests that fill the memory";
  stage.exchanges += Exchange::kAlwaysServed;  // that others have under way
  const auto answer = visit.ask(get("/"));
  EXPECT_EQ(status_of(answer), 503);
  EXPECT_EQ(field_of(answer, "Retry-After"), Exchange::kRetryAfterSeconds);
  EXPECT_EQ(stage.abuse.of(base::Abuse::kMemory), 1u);
  stage.memory.note(0);
  EXPECT_EQ(status_of(visit.ask(get("/"))), 200);
  stage.exchanges -= Exchange::kAlwaysServed;
}

TEST_F(ExchangeTest, ChallengesAndHealthAreAnsweredHoweverShortMemoryIs) {
  Stage stage(loop, hello());
  stage.memory.note(stage.memory.limit() * 2);
  stage.exchanges += Exchange::kAlwaysServed;
  ASSERT_TRUE(stage.challenges.put_http("token-1", "token-1.thumbprint"));
  Visit visit(stage, local());
  EXPECT_EQ(status_of(visit.ask(get("/.well-known/acme-challenge/token-1"))), 200);
  EXPECT_EQ(status_of(visit.ask(get(std::string(Exchange::kHealthPath)))), 200);
  EXPECT_EQ(status_of(visit.ask(get("/.well-known/acme-challenge/token-2"))), 503);
  stage.exchanges -= Exchange::kAlwaysServed;
}

// --- what goes to an upstream ---

TEST_F(ExchangeTest, ARequestIsWrittenAnewAndItsAnswerComesBack) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    auto request = co_await hear_message(peer);
    on.requests.push_back(std::move(request));
    co_await peer.say(ok("made", "X-From: origin\r\nConnection: X-Hop\r\nX-Hop: 1\r\n"));
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto answer = visit.ask(
      "GET http://A.Example:8080/a/../b%20c?q=%2f HTTP/1.1\r\nHost: other.example\r\n"
      "X-Forwarded-For: 10.9.8.7\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\nAccept: */*\r\n\r\n");
  EXPECT_EQ(status_of(answer), 200);
  EXPECT_EQ(body_of(answer), "made");
  EXPECT_EQ(field_of(answer, "X-From"), "origin");
  EXPECT_EQ(field_of(answer, "Via"), "1.1 gatehouse");
  EXPECT_EQ(field_of(answer, "Connection"), "close") << "ours, not the origin's";
  ASSERT_EQ(origin.requests.size(), 1u);
  const auto& request = origin.requests[0];
  EXPECT_THAT(request, HasSubstr("GET /a/../b%20c?q=%2f HTTP/1.1\r\n"));
  EXPECT_EQ(field_of(request, "Host"), "a.example:8080");
  EXPECT_EQ(field_of(request, "X-Forwarded-For"), "192.0.2.7");
  EXPECT_EQ(field_of(request, "X-Forwarded-Proto"), "http");
  EXPECT_EQ(field_of(request, "X-Forwarded-Host"), "a.example:8080");
  EXPECT_THAT(field_of(request, "Via"), HasSubstr("1.1 gatehouse-"));
  EXPECT_EQ(field_of(request, "Accept"), "*/*");
  EXPECT_THAT(request, Not(HasSubstr("X-Mine")));
}

TEST_F(ExchangeTest, WhatCameAroundToUsIsNotSentAroundAgain) {
  Origin origin(loop, answer_all);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  visit.ask(get("/"));
  ASSERT_EQ(origin.requests.size(), 1u);
  const auto again = "Via: 1.1 other, " + field_of(origin.requests[0], "Via") + ", 2 third\r\n";
  EXPECT_EQ(status_of(visit.ask(get("/", again))), 508);
  EXPECT_EQ(origin.requests.size(), 1u);
  EXPECT_EQ(status_of(visit.ask("GET / HTTP/1.1\r\nHost: b.example\r\n" + again + "\r\n")), 200)
      << "another host's is no loop";
  EXPECT_EQ(status_of(visit.ask(get("/", "Via: 1.1 gatehouse\r\n"))), 200)
      << "nor is another gatehouse";
}

TEST_F(ExchangeTest, ATrustedProxyMayHaveSpokenTlsForUs) {
  Stage stage(loop, sites(R"({ "hosts": ["a.example"],
                               "redirect": "{scheme}://new.example/?ip={client_ip}" })"));
  auto facts = Visit::client();
  const auto* claims = "X-Forwarded-Proto: https\r\nX-Forwarded-For: 198.51.100.1\r\n";
  {
    Visit visit(stage, facts);
    EXPECT_EQ(field_of(visit.ask(get("/", claims)), "Location"), "https://a.example:8443/");
  }
  facts.is_trusted = true;
  Visit visit(stage, facts);
  EXPECT_EQ(field_of(visit.ask(get("/", claims)), "Location"),
            "https://new.example/?ip=198.51.100.1");
  EXPECT_EQ(field_of(visit.ask(get("/")), "Location"), "https://a.example:8443/");
}

TEST_F(ExchangeTest, UpstreamConnectionsAreUsedAgain) {
  Origin origin(loop, answer_all);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(body_of(visit.ask(get("/"))), "hello 1");
  EXPECT_EQ(body_of(visit.ask(post("x"))), "hello 1");
  EXPECT_EQ(origin.connections, 1);
  EXPECT_EQ(origin.requests.size(), 6u);
}

TEST_F(ExchangeTest, CuttingEndsAnExchangeThatWaitsForItsUpstream) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    on.seen.set();
    (void)co_await peer.hear_all();  // and says nothing
    on.gone.set();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  auto flow = [](Visit& who, Origin& on) -> base::Task<void> {
    co_await who.peer.say(get("/"));
    (void)co_await on.seen.wait();
    who.exchange->cut();
    (void)co_await on.gone.wait();
    (void)co_await who.over.wait();
  };
  http::run_task(loop, flow(visit, origin));
  EXPECT_EQ(origin.connections, 1) << "it is not tried again";
}

}  // namespace
}  // namespace gatehouse::proxy::exchange_test
