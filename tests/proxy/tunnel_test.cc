// WebSocket tunnels through the proxy, HTTP/1.1 on both sides.
#include "proxy/tunnel.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/websocket.h"
#include "proxy/hop_fields.h"
#include "tests/proxy/stage.h"

namespace gatehouse::proxy::tunnel_test {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kKey = "dGhlIHNhbXBsZSBub25jZQ==";
const std::string kHandshake = get("/chat",
                                   "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                   "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
                                       kKey + "\r\n");

std::string switch_for(const std::string& request) {
  return "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
         "Sec-WebSocket-Accept: " +
         http::websocket_accept(field_of(request, "Sec-WebSocket-Key")) + "\r\n\r\n";
}

// Opens a tunnel, and keeps what comes through it until the client's end as a request.
base::Task<void> open_and_listen(Origin& on, http::RawPeer& peer, int) {
  auto request = co_await peer.hear_until("\r\n\r\n");
  co_await peer.say(switch_for(request));
  on.requests.push_back(std::move(request));
  on.seen.set();
  auto raw = co_await peer.hear_all();
  on.requests.push_back(std::move(raw));
  if (!peer.was_reset()) co_await peer.say("goodbye");
  on.gone.set();
}

class TunnelTest : public StageTest {
 protected:
  // Says `text`, hears up to `mark`.
  static base::Task<std::string> exchange(Visit& visit, std::string text, std::string mark) {
    co_await visit.peer.say(std::move(text));
    auto heard = co_await visit.peer.hear_until(std::move(mark));
    co_return heard;
  }
  static base::Task<std::string> listen(Visit& visit) {
    auto heard = co_await visit.peer.hear_all();
    co_return heard;
  }
  static base::Task<void> wait_for(base::Event& event) { (void)co_await event.wait(); }
  std::string open(Visit& visit, std::string with = "") {
    return http::run_task(loop, exchange(visit, kHandshake + with, "\r\n\r\n"));
  }
};

TEST_F(TunnelTest, TheHandshakePassesAndBytesGoThroughAsTheyAre) {
  Origin origin(loop, open_and_listen);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto head = open(visit, "at once ");
  EXPECT_THAT(head, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
  EXPECT_EQ(field_of(head, "Upgrade"), "websocket");
  EXPECT_EQ(field_of(head, "Connection"), "Upgrade");
  EXPECT_EQ(field_of(head, "Sec-WebSocket-Accept"), http::websocket_accept(kKey));
  auto end = [](Visit& who) -> base::Task<std::string> {
    co_await who.peer.say(std::string("and \x81\x00 later", 12));
    who.peer.end();  // half-close: the other half stays
    auto heard = co_await who.peer.hear_all();
    (void)co_await who.over.wait();
    co_return heard;
  };
  EXPECT_EQ(http::run_task(loop, end(visit)), "goodbye");
  EXPECT_FALSE(visit.peer.was_reset());
  ASSERT_EQ(origin.requests.size(), 2u);
  EXPECT_EQ(field_of(origin.requests[0], "Upgrade"), "websocket");
  EXPECT_EQ(field_of(origin.requests[0], "Sec-WebSocket-Key"), kKey);
  EXPECT_EQ(origin.requests[1], std::string("at once and \x81\x00 later", 20));
}

TEST_F(TunnelTest, TheUpstreamMayEndFirst) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    auto request = co_await peer.hear_until("\r\n\r\n");
    co_await peer.say(switch_for(request) + "that was all");
    peer.end();
    auto raw = co_await peer.hear_all();
    on.requests.push_back(std::move(raw));
    on.gone.set();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  auto flow = [](Visit& who, Origin& on) -> base::Task<std::string> {
    co_await who.peer.say(kHandshake);
    auto heard = co_await who.peer.hear_all();
    co_await who.peer.say("but not for me");
    who.peer.end();
    (void)co_await on.gone.wait();
    co_return heard;
  };
  EXPECT_THAT(http::run_task(loop, flow(visit, origin)), EndsWith("\r\n\r\nthat was all"));
  EXPECT_FALSE(visit.peer.was_reset());
  EXPECT_EQ(origin.requests.at(0), "but not for me");
}

TEST_F(TunnelTest, NothingOfAClientThatDoesNotWaitReachesTheUpstreamBefore101) {
  // The upstream takes the handshake for a plain request: what follows must not become another.
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    auto request = co_await peer.hear_until("\r\n\r\n");
    co_await peer.say("HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\n\r\nno");
    on.seen.set();
    auto rest = co_await peer.hear_all();
    EXPECT_THAT(rest, Not(HasSubstr("smuggled")));
    on.gone.set();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  {
    Visit visit(stage);
    const auto all = visit.ask_to_the_end(kHandshake + "\x81\x85GET /smuggled HTTP/1.1\r\n\r\n");
    EXPECT_EQ(status_of(all), 426);
    EXPECT_THAT(all, HasSubstr("\r\n\r\nnoHTTP/1.1 400 ")) << "read as HTTP again, and refused";
  }
  http::run_task(loop, stage.upstreams.stop());
  http::run_task(loop, wait_for(origin.gone));
}

TEST_F(TunnelTest, ARefusedHandshakeLeavesBothConnectionsInUse) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    co_await peer.say("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno");
    (void)co_await hear_message(peer);
    co_await peer.say(ok("next"));
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask(kHandshake)), 403);
  EXPECT_EQ(body_of(visit.ask(get("/"))), "next");
  EXPECT_EQ(origin.connections, 1);
}

TEST_F(TunnelTest, AConnectionThatWasATunnelIsNotUsedAgain) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int number) -> base::Task<void> {
    auto request = co_await hear_message(peer);
    if (number == 1) {
      co_await peer.say(switch_for(request));
      peer.end();
      (void)co_await peer.hear_all();
    } else {
      co_await peer.say(ok("another"));
    }
  });
  Stage stage(loop, proxy_to({origin.url()}));
  {
    Visit visit(stage);
    (void)open(visit);
    auto end = [](Visit& who) -> base::Task<void> {
      who.peer.end();
      (void)co_await who.over.wait();
    };
    http::run_task(loop, end(visit));
  }
  Visit visit(stage);
  EXPECT_EQ(body_of(visit.ask(get("/"))), "another");
  EXPECT_EQ(origin.connections, 2);
}

TEST_F(TunnelTest, A101ThatIsNotWhatWasAskedForIsABadGateway) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    auto request = co_await hear_message(peer);
    on.requests.push_back(request);
    auto answer = switch_for(request);
    if (field_of(request, "Upgrade") == "websocket") answer.replace(answer.size() - 8, 1, "?");
    co_await peer.say(answer);
    (void)co_await peer.hear_all();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  EXPECT_EQ(status_of(visit.ask(kHandshake)), 502) << "a wrong Sec-WebSocket-Accept";
  EXPECT_EQ(status_of(visit.ask(get("/"))), 502) << "nobody asked";
  EXPECT_EQ(status_of(visit.ask(get("/",
                                    "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
                                    "HTTP2-Settings: x\r\n"))),
            502)
      << "h2c is never asked for";
  EXPECT_EQ(field_of(origin.requests.at(2), "Upgrade"), "");
  EXPECT_EQ(field_of(origin.requests.at(2), "Connection"), "");
}

TEST_F(TunnelTest, AClientThatBreaksOffIsCutAtTheUpstream) {
  Origin origin(loop, open_and_listen);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  (void)open(visit);
  visit.wire.theirs.close_with_reset();
  http::run_task(loop, wait_for(origin.gone));
  EXPECT_EQ(origin.requests.at(1), "");
}

TEST_F(TunnelTest, AnUpstreamThatBreaksOffIsCutAtTheClient) {
  Origin origin(loop, [](Origin&, http::RawPeer& peer, int) -> base::Task<void> {
    auto request = co_await peer.hear_until("\r\n\r\n");
    co_await peer.say(switch_for(request));
    (void)co_await peer.hear_until("x");
    peer.abort();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  (void)open(visit, "x");
  (void)http::run_task(loop, listen(visit));
  EXPECT_TRUE(visit.peer.was_reset());
}

TEST_F(TunnelTest, ATunnelInWhichNobodySpeaksIsCut) {
  Origin origin(loop, open_and_listen);
  Stage stage(loop, proxy_to({origin.url()}, R"("timeouts": { "stream_idle": "50ms" },)"));
  Visit visit(stage);
  (void)open(visit);
  (void)http::run_task(loop, listen(visit));
  EXPECT_TRUE(visit.peer.was_reset());
  http::run_task(loop, wait_for(origin.gone));
}

TEST_F(TunnelTest, StoppingCutsATunnel) {
  Origin origin(loop, open_and_listen);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  (void)open(visit);
  visit.server.set_draining();  // does not hurt it
  auto speak = [](Visit& who) -> base::Task<void> { co_await who.peer.say("still open"); };
  http::run_task(loop, speak(visit));
  ASSERT_NE(visit.exchange, nullptr);
  visit.exchange->cut();
  http::run_task(loop, wait_for(origin.gone));
  (void)http::run_task(loop, listen(visit));
}

TEST_F(TunnelTest, AClientThatDoesNotReadStopsTheUpstream) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    auto request = co_await peer.hear_until("\r\n\r\n");
    co_await peer.say(switch_for(request));
    const std::string piece(64 * 1024, 'z');
    for (; on.sent < 64 * 1024 * 1024; on.sent += piece.size()) co_await peer.say(piece);
    on.gone.set();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  (void)open(visit);
  for (int idle = 0; idle < 3;) {
    idle = loop.poll() == 0 ? idle + 1 : 0;
  }
  EXPECT_LT(origin.sent, 40u * 1024 * 1024) << "the rest waits at the upstream";
  EXPECT_FALSE(origin.gone.is_set());
  auto hear = [](Visit& who) -> base::Task<std::string> {
    auto all = co_await who.peer.hear_bytes(64 * 1024 * 1024);
    co_return all;
  };
  EXPECT_EQ(http::run_task(loop, hear(visit)).size(), 64u * 1024 * 1024);
}

// --- clients of HTTP/2 (RFC 8441) ---

TEST_F(TunnelTest, AClientWithoutAKeyIsGivenOne) {
  http::RequestHead head;
  head.method = "GET";
  head.target = "/chat";
  head.version = http::Version::kHttp2;
  head.upgrade = "websocket";
  head.fields.add("Sec-WebSocket-Key", "made up by a client that has no business with it");
  const ClientFacts peer;
  const RequestFacts facts;
  const std::vector<std::string> none;
  const Hop hop{peer, facts, none};
  http::RequestHead first;
  http::RequestHead second;
  forward_request(head, hop, first);
  forward_request(head, hop, second);
  EXPECT_EQ(first.upgrade, "websocket");
  ASSERT_EQ(first.fields.count("Sec-WebSocket-Key"), 1u);
  EXPECT_EQ(first.fields.find("Sec-WebSocket-Key")->size(), kKey.size());
  EXPECT_NE(*first.fields.find("Sec-WebSocket-Key"), *second.fields.find("Sec-WebSocket-Key"));
  EXPECT_EQ(*first.fields.find("Sec-WebSocket-Version"), "13");
}

}  // namespace
}  // namespace gatehouse::proxy::tunnel_test
