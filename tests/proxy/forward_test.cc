// Bodies on their way through, and what breaks on the way.
#include "proxy/forward.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/stage.h"

namespace gatehouse::proxy::forward_test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;

constexpr std::size_t kLarge = 64 * 1024 * 1024;
// What kernels and the proxy may hold of it at one time, on two loopback connections.
constexpr std::size_t kHeld = 40 * 1024 * 1024;

class ForwardTest : public StageTest {
 protected:
  // Runs the loop until nothing on it can go on by itself.
  void settle() {
    int idle = 0;
    while (idle < 3) {
      idle = loop.poll() == 0 ? idle + 1 : 0;
    }
  }
};

// --- answers ---

TEST_F(ForwardTest, AnAnswerInChunksKeepsItsBodyAndItsTrailers) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    co_await peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    co_await peer.say("1\r\n!\r\n0\r\nX-Sum: 6\r\n\r\n");
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto all = visit.ask_to_the_end(get("/", "TE: trailers\r\nConnection: TE, close\r\n"));
  EXPECT_EQ(field_of(all, "Transfer-Encoding"), "chunked");
  EXPECT_THAT(all, HasSubstr("hello"));
  EXPECT_THAT(all, HasSubstr("!"));
  EXPECT_THAT(all, EndsWith("0\r\nX-Sum: 6\r\n\r\n"));
}

TEST_F(ForwardTest, TrailersAreForWhoSaysThatItReadsThemAndOnlyThoseThatMayBe) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    for (;;) {
      const auto request = co_await hear_message(peer);
      if (request.empty()) co_return;
      co_await peer.say("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\n!\r\n0\r\n");
      co_await peer.say("X-Sum: 6\r\nSet-Cookie: a=b\r\nContent-Type: x/y\r\n\r\n");
    }
  });
  Stage stage(loop, proxy_to({origin.url()}));
  {
    Visit visit(stage);
    EXPECT_THAT(visit.ask_to_the_end(get("/", "Connection: close\r\n")), EndsWith("0\r\n\r\n"));
  }
  Visit visit(stage);
  EXPECT_THAT(visit.ask_to_the_end(get("/", "TE: trailers\r\nConnection: TE, close\r\n")),
              EndsWith("0\r\nX-Sum: 6\r\n\r\n"));
}

TEST_F(ForwardTest, ResetContentHasNoContent) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    co_await peer.say("HTTP/1.1 205 Reset Content\r\nContent-Length: 4\r\n\r\nbody");
    (void)co_await hear_message(peer);
    co_await peer.say(ok("next"));
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto all = visit.ask_to_the_end(get("/") + get("/", "Connection: close\r\n"));
  EXPECT_EQ(field_of(all, "Content-Length"), "0");
  EXPECT_THAT(all, HasSubstr("\r\n\r\nHTTP/1.1 200 OK\r\n"));
}

TEST_F(ForwardTest, AnAnswerThatEndsWithItsConnectionIsPassedOnWhole) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    co_await peer.say("HTTP/1.0 200 OK\r\n\r\nto the end");
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto answer = visit.ask(get("/"));
  EXPECT_EQ(field_of(answer, "Transfer-Encoding"), "chunked");
  EXPECT_THAT(body_of(answer), EndsWith("to the end\r\n0\r\n\r\n"));
}

TEST_F(ForwardTest, InterimAnswersArePassedOn) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    co_await peer.say("HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n\r\n");
    co_await peer.say(ok("done"));
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto all = visit.ask_to_the_end(get("/", "Connection: close\r\n"));
  EXPECT_THAT(all, testing::StartsWith("HTTP/1.1 103 Early Hints\r\nLink: </x.css>\r\n"));
  EXPECT_THAT(all, HasSubstr("\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(all, EndsWith("done"));
}

TEST_F(ForwardTest, AnswersWithoutABodyStaySo) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    co_await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 4711\r\n\r\n");
    (void)co_await hear_message(peer);
    co_await peer.say("HTTP/1.1 304 Not Modified\r\nETag: \"x\"\r\n\r\n");
    (void)co_await hear_message(peer);
    co_await peer.say("HTTP/1.1 204 No Content\r\n\r\n");
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto all = visit.ask_to_the_end("HEAD / HTTP/1.1\r\nHost: a.example\r\n\r\n" + get("/") +
                                        get("/", "Connection: close\r\n"));
  EXPECT_EQ(field_of(all, "Content-Length"), "4711");
  EXPECT_THAT(all, HasSubstr("\r\n\r\nHTTP/1.1 304 Not Modified\r\n"));
  EXPECT_THAT(all, HasSubstr("\r\n\r\nHTTP/1.1 204 No Content\r\n"));
  EXPECT_EQ(origin.connections, 1);
}

// --- answers that break ---

struct Broken {
  const char* name;
  const char* answer;
};

class BrokenAnswerTest : public ForwardTest, public testing::WithParamInterface<Broken> {};

TEST_P(BrokenAnswerTest, IsNeverEndedAsIfItWereWhole) {
  static const char* text;
  text = GetParam().answer;
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    co_await peer.say(text);
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto all = visit.ask_to_the_end(get("/"));
  EXPECT_TRUE(visit.peer.was_reset());
  EXPECT_THAT(all, Not(EndsWith("0\r\n\r\n")));
  EXPECT_EQ(all.find("502"), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    , BrokenAnswerTest,
    testing::Values(
        Broken{"CutLength", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"},
        Broken{"CutChunks", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"},
        Broken{"BadChunk",
               "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nx\r\n"}),
    [](const auto& row) { return row.param.name; });

TEST_F(ForwardTest, ACutAnswerIsAResetWhereOnlyTheEndTellsThatItIsWhole) {
  // Without a length, to a client of HTTP/1.0: FIN would say that this was all.
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    co_await peer.say("HTTP/1.1 200 OK\r\n\r\nhalf");
    (void)co_await on.seen.wait();
    peer.abort();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  auto flow = [](Visit& who, Origin& on) -> base::Task<void> {
    co_await who.peer.say("GET / HTTP/1.0\r\nHost: a.example\r\n\r\n");
    (void)co_await who.peer.hear_until("half");
    on.seen.set();
    (void)co_await who.peer.hear_all();
  };
  http::run_task(loop, flow(visit, origin));
  EXPECT_TRUE(visit.peer.was_reset());
}

TEST_F(ForwardTest, WhatIsNoAnswerBecomesABadGateway) {
  for (const auto* text :
       {"SSH-2.0-OpenSSH_9.2\r\n\r\n", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"}) {
    static const char* answer;
    answer = text;
    Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
      (void)co_await hear_message(peer);
      co_await peer.say(answer);
    });
    Stage stage(loop, proxy_to({origin.url()}));
    Visit visit(stage);
    EXPECT_EQ(status_of(visit.ask(get("/"))), 502) << text;
    EXPECT_EQ(status_of(visit.ask(get("/"))), 502) << "the client's connection goes on";
  }
}

TEST_F(ForwardTest, AnUpstreamThatIsSilentBecomesATimeout) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await peer.hear_all();
    on.gone.set();
  });
  Stage stage(loop, proxy_to({origin.url()}, R"("timeouts": { "upstream_response": "50ms" },)"));
  Visit visit(stage);
  const auto answer = visit.ask(get("/"));
  EXPECT_EQ(status_of(answer), 504);
  EXPECT_THAT(body_of(answer), testing::StartsWith("504 Gateway Timeout\n"));
  auto wait = [](Origin& on) -> base::Task<void> { (void)co_await on.gone.wait(); };
  http::run_task(loop, wait(origin));
}

// --- requests ---

TEST_F(ForwardTest, AnUploadInChunksKeepsItsTrailers) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    auto request = co_await peer.hear_until("0\r\nX-Sum: 5\r\n\r\n");
    on.requests.push_back(std::move(request));
    co_await peer.say(ok("done"));
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  EXPECT_EQ(body_of(visit.ask("POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked"
                              "\r\n\r\n5;x=y\r\nhello\r\n0\r\nX-Sum: 5\r\n\r\n")),
            "done");
  EXPECT_THAT(origin.requests.at(0), HasSubstr("\r\n\r\n5\r\nhello\r\n"));
}

TEST_F(ForwardTest, AnUpstreamThatNeverSaysContinueDoesNotKeepTheClientWaiting) {
  Origin origin(loop, answer_all);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  auto flow = [](Visit& who) -> base::Task<std::string> {
    co_await who.peer.say(
        "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\n"
        "Expect: 100-continue\r\n\r\n");
    auto interim = co_await who.peer.hear_until("\r\n\r\n");
    EXPECT_EQ(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    co_await who.peer.say("hello");
    auto answer = co_await hear_message(who.peer);
    co_return answer;
  };
  EXPECT_EQ(body_of(http::run_task(loop, flow(visit))), "hello 1");
  EXPECT_EQ(body_of(origin.requests.at(0)), "hello");
}

constexpr const char* kExpecting =
    "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n";

TEST_F(ForwardTest, TheUpstreamsContinueIsRelayed) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    auto head = co_await peer.hear_until("\r\n\r\n");
    EXPECT_EQ(field_of(head, "Expect"), "100-continue");
    (void)co_await on.seen.wait();
    co_await peer.say("HTTP/1.1 100 Continue\r\n\r\n");
    auto body = co_await peer.hear_bytes(5);
    co_await peer.say(ok(body));
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  auto flow = [](Visit& who, Origin& on) -> base::Task<std::string> {
    co_await who.peer.say(kExpecting);
    on.seen.set();
    auto interim = co_await who.peer.hear_until("\r\n\r\n");
    EXPECT_EQ(interim, "HTTP/1.1 100 Continue\r\n\r\n");
    co_await who.peer.say("hello");
    auto answer = co_await hear_message(who.peer);
    co_return answer;
  };
  EXPECT_EQ(body_of(http::run_task(loop, flow(visit, origin))), "hello");
}

TEST_F(ForwardTest, ABodyThatTheUpstreamRefusesIsNeverAskedFor) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await peer.hear_until("\r\n\r\n");
    co_await peer.say("HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno");
    auto rest = co_await peer.hear_all();
    EXPECT_EQ(rest, "");
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto answer = visit.ask(kExpecting);
  EXPECT_EQ(status_of(answer), 401) << "and no 100 before it";
  EXPECT_EQ(field_of(answer, "Connection"), "close") << "it may send the body or leave it out";
}

TEST_F(ForwardTest, AClientThatLeavesInItsUploadLeavesACutRequestUpstream) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await peer.hear_until("part of it\r\n");
    on.seen.set();
    auto rest = co_await peer.hear_all();
    EXPECT_EQ(rest, "");
    EXPECT_TRUE(peer.was_reset()) << "a cut request must not look like an ended one";
    on.gone.set();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  auto flow = [](Visit& who, Origin& on) -> base::Task<void> {
    co_await who.peer.say(
        "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: chunked\r\n\r\n"
        "a\r\npart of it\r\n");
    (void)co_await on.seen.wait();
    who.wire.theirs.close_with_reset();
    (void)co_await on.gone.wait();
    (void)co_await who.over.wait();
  };
  http::run_task(loop, flow(visit, origin));
}

TEST_F(ForwardTest, AMalformedUploadIsTheClientsFault) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await peer.hear_all();
    EXPECT_TRUE(peer.was_reset());
    on.gone.set();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto all = visit.ask_to_the_end(
      "POST / HTTP/1.1\r\nHost: a.example\r\nTransfer-Encoding: "
      "chunked\r\n\r\n5\r\nhello\r\nx\r\n");
  EXPECT_EQ(status_of(all), 400);
  EXPECT_EQ(field_of(all, "Connection"), "close");
}

TEST_F(ForwardTest, AnUploadOverTheLimitIsRefused) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await peer.hear_all();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  stage.server_options.body_bytes = 8;
  {
    Visit visit(stage);
    EXPECT_EQ(status_of(visit.ask_to_the_end(post("123456789"))), 413);
    EXPECT_EQ(origin.connections, 0);
  }
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask_to_the_end("POST / HTTP/1.1\r\nHost: a.example\r\n"
                                           "Transfer-Encoding: chunked\r\n\r\n"
                                           "5\r\nhello\r\n5\r\nworld\r\n0\r\n\r\n")),
            413);
}

TEST_F(ForwardTest, AnAnswerBeforeTheEndOfTheUploadIsPassedOnAtOnce) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await peer.hear_until("\r\n\r\n");
    co_await peer.say(
        "HTTP/1.1 413 Content Too Large\r\nConnection: close\r\n"
        "Content-Length: 4\r\n\r\nmuch");
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  auto flow = [](Visit& who) -> base::Task<std::string> {
    co_await who.peer.say("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 10000000\r\n\r\n");
    auto answer = co_await hear_message(who.peer);  // though not a byte of the body was sent
    co_return answer;
  };
  const auto answer = http::run_task(loop, flow(visit));
  EXPECT_EQ(status_of(answer), 413);
  EXPECT_EQ(body_of(answer), "much");
  EXPECT_EQ(field_of(answer, "Connection"), "close");
}

TEST_F(ForwardTest, AnAnswerSurvivesTheUploadThatItRefuses) {
  // The upstream answers and closes while megabytes are on their way: writing to it fails.
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await peer.hear_until("\r\n\r\n");
    co_await peer.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    peer.end();
    (void)co_await peer.hear_bytes(1024 * 1024);
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  auto upload = [](Visit& who) -> base::Task<void> {
    co_await who.peer.say("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4000000\r\n\r\n");
    co_await who.peer.say(std::string(4'000'000, 'x'));
  };
  auto answer = [](Visit& who) -> base::Task<std::string> {
    auto heard = co_await hear_message(who.peer);
    co_return heard;
  };
  base::Gate gate(loop);
  gate.spawn(upload(visit), "upload");
  EXPECT_EQ(status_of(http::run_task(loop, answer(visit))), 403);
  visit.wire.theirs.close_with_reset();
  (void)http::run_task(loop, gate.close());
}

// --- back-pressure ---

base::Task<void> send_large(Origin& origin, http::RawPeer& peer, int) {
  (void)co_await hear_message(peer);
  co_await peer.say("HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(kLarge) + "\r\n\r\n");
  const std::string piece(64 * 1024, 'z');
  for (; origin.sent < kLarge; origin.sent += piece.size()) co_await peer.say(piece);
}

TEST_F(ForwardTest, AClientThatDoesNotReadStopsTheUpstream) {
  Origin origin(loop, send_large);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  auto ask = [](Visit& who) -> base::Task<void> { co_await who.peer.say(get("/")); };
  http::run_task(loop, ask(visit));
  settle();
  EXPECT_GT(origin.sent, 0u);
  EXPECT_LT(origin.sent, kHeld) << "the rest waits at the upstream";
  auto hear = [](Visit& who) -> base::Task<std::string> {
    auto head = co_await who.peer.hear_until("\r\n\r\n");
    auto body = co_await who.peer.hear_bytes(kLarge);
    co_return body;
  };
  const auto body = http::run_task(loop, hear(visit));
  EXPECT_EQ(body.size(), kLarge);
  EXPECT_EQ(body.find_first_not_of('z'), std::string::npos);
}

TEST_F(ForwardTest, RequestsThatAreSentAheadWaitAtTheClient) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    (void)co_await on.seen.wait();
    co_await peer.say("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  std::uint64_t sent = 0;
  auto ahead = [](Visit& who, std::uint64_t& count) -> base::Task<void> {
    std::string many;
    for (int i = 0; i < 1000; ++i) many += get("/");
    for (; count < kLarge; count += many.size()) co_await who.peer.say(many);
  };
  base::Gate gate(loop);
  gate.spawn(ahead(visit, sent), "pipeline");
  settle();
  EXPECT_LT(sent, kHeld);
  EXPECT_EQ(origin.connections, 1);
  origin.close();
  origin.seen.set();
  visit.wire.theirs.close_with_reset();
  (void)http::run_task(loop, gate.close());
}

base::Task<void> send_upload(Visit& visit, std::uint64_t& sent) {
  co_await visit.peer.say("POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: " +
                          std::to_string(kLarge) + "\r\n\r\n");
  const std::string piece(64 * 1024, 'z');
  for (; sent < kLarge; sent += piece.size()) co_await visit.peer.say(piece);
}

TEST_F(ForwardTest, AnUpstreamThatDoesNotReadStopsTheClient) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await peer.hear_until("\r\n\r\n");
    (void)co_await on.seen.wait();
    auto body = co_await peer.hear_bytes(kLarge);
    on.sent = body.size();
    co_await peer.say(ok("whole"));
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  std::uint64_t sent = 0;
  base::Gate gate(loop);
  gate.spawn(send_upload(visit, sent), "upload");
  settle();
  EXPECT_GT(sent, 0u);
  EXPECT_LT(sent, kHeld) << "the rest waits at the client";
  origin.seen.set();
  auto hear = [](Visit& who) -> base::Task<std::string> {
    auto answer = co_await hear_message(who.peer);
    co_return answer;
  };
  EXPECT_EQ(body_of(http::run_task(loop, hear(visit))), "whole");
  EXPECT_EQ(origin.sent, kLarge);
  (void)http::run_task(loop, gate.close());
}

}  // namespace
}  // namespace gatehouse::proxy::forward_test
