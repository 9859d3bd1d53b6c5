// Connections that go stale, servers that are dead: what a client must not notice.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/exchange.h"
#include "tests/proxy/stage.h"

namespace gatehouse::proxy::retry_test {
namespace {

class RetryTest : public StageTest {
 protected:
  // An address where nobody listens.
  static std::string dead_url() {
    const int fd = http::listen_on_loopback();
    const auto port = http::port_of(fd);
    ::close(fd);
    return "http://127.0.0.1:" + std::to_string(port);
  }
};

// The first connection answers once and promises to stay.
base::Task<void> answer_once(Origin& origin, http::RawPeer& peer) {
  auto request = co_await hear_message(peer);
  origin.requests.push_back(std::move(request));
  co_await peer.say(ok("first"));
}

// Closes while it lies idle.
base::Task<void> close_when_idle(Origin& origin, http::RawPeer& peer, int number) {
  if (number == 1) {
    co_await answer_once(origin, peer);
  } else {
    co_await answer_all(origin, peer, number);
  }
}

// Closes in the moment in which the next request arrives, without reading it: RST.
base::Task<void> close_on_request(Origin& origin, http::RawPeer& peer, int number) {
  if (number == 1) {
    co_await answer_once(origin, peer);
    (void)co_await peer.hear_bytes(1);
  } else {
    co_await answer_all(origin, peer, number);
  }
}

// Reads the next request and ends without an answer: FIN.
base::Task<void> end_on_request(Origin& origin, http::RawPeer& peer, int number) {
  if (number == 1) {
    co_await answer_once(origin, peer);
    (void)co_await hear_message(peer);
  } else {
    co_await answer_all(origin, peer, number);
  }
}

struct Stale {
  const char* name;
  Origin::Script script;
};

class StaleTest : public RetryTest, public testing::WithParamInterface<Stale> {};

TEST_P(StaleTest, IsReplacedUnseenWhateverTheMethod) {
  const std::string body(50'000, 'b');
  for (const auto& request : {get("/"), post("order"), post(body), post("")}) {
    Origin origin(loop, GetParam().script);
    Stage stage(loop, proxy_to({origin.url()}));
    Visit visit(stage);
    EXPECT_EQ(body_of(visit.ask(get("/"))), "first");
    EXPECT_EQ(body_of(visit.ask(request)), "hello 2");
    EXPECT_EQ(origin.connections, 2);
    ASSERT_EQ(origin.requests.size(), 2u);
    EXPECT_EQ(body_of(origin.requests[1]), body_of(request));
  }
}

TEST_P(StaleTest, AChunkedUploadSurvivesToo) {
  Origin origin(loop, GetParam().script);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  EXPECT_EQ(body_of(visit.ask(get("/"))), "first");
  EXPECT_EQ(body_of(visit.ask("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked"
                              "\r\n\r\n5\r\nhello\r\n0\r\n\r\n")),
            "hello 2");
  EXPECT_EQ(body_of(origin.requests[1]), "5\r\nhello\r\n0\r\n\r\n");
}

TEST_P(StaleTest, AnUploadTooLargeToRepeatSurvivesToo) {
  const std::string body(3 * Replay::kMost, 'b');
  Origin origin(loop, GetParam().script);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  EXPECT_EQ(body_of(visit.ask(get("/"))), "first");
  EXPECT_EQ(body_of(visit.ask(post(body))), "hello 2");
  ASSERT_EQ(origin.requests.size(), 2u);
  EXPECT_TRUE(body_of(origin.requests[1]) == body);
}

INSTANTIATE_TEST_SUITE_P(, StaleTest,
                         testing::Values(Stale{"ClosedWhenIdle", close_when_idle},
                                         Stale{"ResetOnRequest", close_on_request},
                                         Stale{"EndedOnRequest", end_on_request}),
                         [](const auto& row) { return row.param.name; });

TEST_F(RetryTest, ABodyThatComesInPiecesIsRepeatedFromItsBeginning) {
  // The first connection breaks when half of the body is there.
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int number) -> base::Task<void> {
    if (number == 1) {
      co_await answer_once(on, peer);
      (void)co_await peer.hear_until("first half");
      on.seen.set();
    } else {
      co_await answer_all(on, peer, number);
    }
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  EXPECT_EQ(body_of(visit.ask(get("/"))), "first");
  auto flow = [](Visit& who, Origin& on) -> base::Task<std::string> {
    co_await who.peer.say("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 23\r\n\r\n");
    co_await who.peer.say("first half");
    (void)co_await on.seen.wait();
    for (int i = 0; i < 20; ++i) co_await http::yield();
    co_await who.peer.say(" second half!");
    auto answer = co_await hear_message(who.peer);
    co_return answer;
  };
  EXPECT_EQ(body_of(http::run_task(loop, flow(visit, origin))), "hello 2");
  EXPECT_EQ(body_of(origin.requests.at(1)), "first half second half!");
}

TEST_F(RetryTest, ARequestThatANewConnectionMayHaveExecutedIsNotRepeated) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    auto request = co_await hear_message(peer);
    on.requests.push_back(std::move(request));  // and ends
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask(post("order"))), 502);
  EXPECT_EQ(status_of(visit.ask(get("/"))), 502);
  EXPECT_EQ(origin.requests.size(), 2u);
}

TEST_F(RetryTest, AnAnswerThatBreaksOffIsNotRepeated) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    auto request = co_await hear_message(peer);
    on.requests.push_back(std::move(request));
    co_await peer.say(ok("first"));
    request = co_await hear_message(peer);
    on.requests.push_back(std::move(request));
    co_await peer.say("HTTP/1.1 2");
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  EXPECT_EQ(body_of(visit.ask(get("/"))), "first");
  EXPECT_EQ(status_of(visit.ask(get("/"))), 502);
  EXPECT_EQ(origin.requests.size(), 2u);
}

// --- several servers ---

TEST_F(RetryTest, ADeadServerIsPassedOverForAnyMethod) {
  Origin origin(loop, answer_all);
  Stage stage(loop, proxy_to({dead_url(), origin.url(), dead_url()}));
  Visit visit(stage);
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(status_of(visit.ask(get("/"))), 200);
    EXPECT_EQ(status_of(visit.ask(post("order"))), 200);
  }
  EXPECT_EQ(origin.requests.size(), 20u);
}

TEST_F(RetryTest, WhenAllAreDeadTheClientIsTold) {
  Stage stage(loop, proxy_to({dead_url(), dead_url()}));
  Visit visit(stage);
  for (int i = 0; i < 3; ++i) {
    const auto answer = visit.ask(get("/"));
    EXPECT_EQ(status_of(answer), 502);
    EXPECT_THAT(body_of(answer), testing::StartsWith("502 Bad Gateway\n"));
    EXPECT_THAT(answer, testing::Not(testing::HasSubstr("127.0.0.1"))) << "nothing of the inside";
  }
}

TEST_F(RetryTest, AServerThatComesBackIsUsedAtOnceWhenThereIsNoOther) {
  const int fd = http::listen_on_loopback();
  const auto port = http::port_of(fd);
  ::close(fd);
  Stage stage(loop, proxy_to({"http://127.0.0.1:" + std::to_string(port)}));
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask(get("/"))), 502);
  base::Socket listener(loop, *base::listen_on(*base::Endpoint::from_ip("127.0.0.1", port), false));
  auto serve_one = [](base::Socket& on) -> base::Task<void> {
    auto socket = co_await base::accept(on);
    http::RawPeer peer(*socket);
    (void)co_await hear_message(peer);
    co_await peer.say(ok("back"));
  };
  loop.spawn(serve_one(listener), "the server that is back");
  EXPECT_EQ(body_of(visit.ask(get("/"))), "back");
}

TEST_F(RetryTest, AServerWithoutAnAddressIsUnavailable) {
  auto config = proxy_to({"http://127.0.0.1:1"});
  auto& proxy = std::get<config::Proxy>(config.sites[0].routes[0].action);
  proxy.servers[0].host = std::string(70, 'x') + ".invalid";  // no label is that long
  Stage stage(loop, std::move(config));
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask(get("/"))), 503);
}

}  // namespace
}  // namespace gatehouse::proxy::retry_test
