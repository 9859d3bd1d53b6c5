// Upgrade to WebSocket on both sides of HTTP/1.1: who gets a tunnel, and what runs through it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/websocket.h"
#include "tests/http/asked.h"
#include "tests/http/served.h"

namespace gatehouse::http::http1_tunnel_test {
namespace {

using base::Task;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kKey = "dGhlIHNhbXBsZSBub25jZQ==";         // RFC 6455 1.3
const std::string kAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";  // and its answer
const std::string kHandshake =
    "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\n"
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " +
    kKey + "\r\n\r\n";
const std::string kHeadEnd = "\r\n\r\n";
const Fields kNone;

base::Chunk chunk_of(std::string_view text) { return base::Chunk::copy_of(base::as_bytes(text)); }

TEST(WebSocketTest, AKeyIsAnsweredAsTheRfcSays) {
  EXPECT_EQ(websocket_accept(kKey), kAccept);
  EXPECT_EQ(websocket_key().size(), kKey.size());
  EXPECT_NE(websocket_key(), websocket_key());
}

// --- the server's side ---

struct Row {
  const char* name;
  std::string head;
};

class PlainRequest : public testing::TestWithParam<Row> {};

TEST_P(PlainRequest, IsNotAskedForATunnel) {
  base::Loop loop;
  Served served(loop);
  const auto heard = run_task(loop, converse(served, GetParam().head, false));
  ASSERT_EQ(served.seen.size(), 1u) << heard;
  EXPECT_EQ(served.seen[0].head.upgrade, "");
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 200 "));
}

std::string handshake(const std::string& start, const std::string& fields) {
  return start + "\r\nHost: a\r\nSec-WebSocket-Key: " + kKey + "\r\n" + fields;
}

INSTANTIATE_TEST_SUITE_P(
    , PlainRequest,
    testing::Values(
        Row{"Http10", handshake("GET / HTTP/1.0",
                                "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                "\r\n")},
        Row{"Post", handshake("POST / HTTP/1.1",
                              "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                              "\r\n")},
        Row{"WithBody", handshake("GET / HTTP/1.1",
                                  "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                  "Content-Length: 1\r\n\r\nx")},
        Row{"WithChunkedBody", handshake("GET / HTTP/1.1",
                                         "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                         "Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n")},
        Row{"WithoutConnection", handshake("GET / HTTP/1.1", "Upgrade: websocket\r\n\r\n")},
        Row{"H2c", handshake("GET / HTTP/1.1",
                             "Connection: Upgrade, HTTP2-Settings\r\n"
                             "Upgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n")},
        Row{"OtherToken",
            handshake("GET / HTTP/1.1", "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n\r\n")},
        Row{"TwoTokens", handshake("GET / HTTP/1.1",
                                   "Connection: Upgrade\r\n"
                                   "Upgrade: websocket, h2c\r\n\r\n")},
        Row{"TwoFields", handshake("GET / HTTP/1.1",
                                   "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                   "Upgrade: websocket\r\n\r\n")},
        Row{"WithoutKey",
            "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\n\r\n"},
        Row{"TwoKeys", handshake("GET / HTTP/1.1",
                                 "Connection: Upgrade\r\nUpgrade: websocket\r\n"
                                 "Sec-WebSocket-Key: x\r\n\r\n")}),
    [](const auto& row) { return row.param.name; });

TEST(Http1TunnelTest, WhatATunnelIsAskedForIsNotLeftBehindForTheNextRequest) {
  base::Loop loop;
  Served served(loop);
  const std::string plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  const auto heard = run_task(loop, converse(served, kHandshake + plain, false));
  ASSERT_EQ(served.seen.size(), 2u) << "an answer other than 101 leaves HTTP as it was";
  EXPECT_EQ(served.seen[0].head.upgrade, "websocket");
  EXPECT_EQ(served.seen[1].head.upgrade, "");
  EXPECT_THAT(heard, Not(HasSubstr("Connection: close")));
}

Task<void> open(ServerStream& stream, Served& served, bool with_accept) {
  served.seen.emplace_back();
  served.seen.back().head = stream.head();
  ResponseHead head;
  head.status = 101;
  if (with_accept) head.fields.add("Sec-WebSocket-Accept", "the upstream's");
  head.fields.add("X-Y", "z");
  const auto written = co_await stream.write_head(head);
  if (!written) served.seen.back().error = written.error();
  (void)co_await stream.flush();
}

// Gives everything back, and says "bye" when the client has ended.
Task<void> echo(ServerStream& stream, Served& served) {
  co_await open(stream, served, true);
  while (true) {
    auto piece = co_await stream.read();
    if (!piece) {
      served.seen.back().error = piece.error();
      co_return;
    }
    if (piece->empty()) break;
    (void)co_await stream.write(std::move(*piece));
  }
  EXPECT_TRUE(stream.request_ended());
  const auto bye = chunk_of("bye");
  (void)co_await stream.write(bye);
  (void)co_await stream.finish(kNone);
}

TEST(Http1TunnelTest, BytesThatCameWithTheHandshakeComeFirstAndAClientsEndIsOnlyItsOwn) {
  for (const bool slowly : {false, true}) {
    base::Loop loop;
    Served served(loop, Http1ServerOptions(), echo);
    const std::string raw = "\x81\x05hello GET / HTTP/1.1\r\n\r\n";
    const auto heard = run_task(loop, converse(served, kHandshake + raw, slowly));
    EXPECT_THAT(heard, StartsWith("HTTP/1.1 101 Switching Protocols\r\n"));
    EXPECT_THAT(heard, AllOf(HasSubstr("\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"),
                             HasSubstr("\r\nSec-WebSocket-Accept: the upstream's\r\n"),
                             HasSubstr("\r\nX-Y: z\r\n"), Not(HasSubstr("Transfer-Encoding")),
                             Not(HasSubstr("Content-Length"))));
    EXPECT_THAT(heard, EndsWith(kHeadEnd + raw + "bye"));
    EXPECT_FALSE(served.peer.was_reset());
    EXPECT_EQ(served.seen.size(), 1u);
    EXPECT_FALSE(served.error);
  }
}

// Ends first, and listens on.
Task<void> end_and_listen(ServerStream& stream, Served& served) {
  co_await open(stream, served, false);
  (void)co_await stream.finish(kNone);
  while (true) {
    const auto piece = co_await stream.read();
    if (!piece || piece->empty()) break;
    served.seen.back().body += base::as_text(piece->bytes());
  }
}

Task<std::string> answer_an_end(Served& served) {
  co_await served.peer.say(kHandshake);
  auto heard = co_await served.peer.hear_all();
  co_await served.peer.say("still here");
  served.peer.end();
  (void)co_await served.over.wait();
  co_return heard;
}

TEST(Http1TunnelTest, OurEndIsAFinAfterWhichTheClientMaySpeakOn) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), end_and_listen);
  const auto heard = run_task(loop, answer_an_end(served));
  EXPECT_FALSE(served.peer.was_reset());
  EXPECT_EQ(served.seen.at(0).body, "still here");
  EXPECT_THAT(heard, HasSubstr("\r\nSec-WebSocket-Accept: " + kAccept + "\r\n"))
      << "made by us, for an upstream that had no key to answer";
}

Task<void> open_unasked(ServerStream& stream, Served& served) {
  co_await open(stream, served, true);
  stream.reset(base::Code::kClosed);
}

TEST(Http1TunnelTest, AClientThatDidNotAskNeverGets101) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), open_unasked);
  const std::string plain = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(run_task(loop, converse(served, plain, false)), "");
  ASSERT_TRUE(served.seen.at(0).error);
  EXPECT_EQ(served.seen[0].error->code, base::Code::kInternal);
}

Task<void> open_and_reset(ServerStream& stream, Served& served) {
  co_await open(stream, served, true);
  stream.reset(base::Code::kClosed);
}

TEST(Http1TunnelTest, ATunnelThatIsCutEndsByReset) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), open_and_reset);
  (void)run_task(loop, converse(served, kHandshake, false));
  EXPECT_TRUE(served.peer.was_reset());
}

Task<void> break_off(Served& served) {
  co_await served.peer.say(kHandshake);
  (void)co_await served.peer.hear_until(kHeadEnd);
  served.wire.theirs.close_with_reset();
  (void)co_await served.over.wait();
}

TEST(Http1TunnelTest, AClientThatBreaksOffIsAnErrorAndNoEnd) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), echo);
  run_task(loop, break_off(served));
  ASSERT_TRUE(served.seen.at(0).error);
  EXPECT_EQ(served.seen[0].error->code, base::Code::kReset);
  EXPECT_EQ(served.seen[0].error->side, base::Side::kDownstream);
}

// --- the client's side ---

RequestHead asking() {
  auto head = request_for("GET", "/chat");
  head.upgrade = "websocket";
  head.fields.add("Sec-WebSocket-Key", kKey);
  head.fields.add("Sec-WebSocket-Version", "13");
  return head;
}

const std::string kSwitch =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: " +
    kAccept + "\r\n\r\n";

struct Talk {
  std::string request;  // that the upstream heard
  base::Result<ResponseHead> head;
  std::string heard_by_us;  // through the tunnel
  std::string heard_by_it;
};

Task<Talk> talk(Asked& asked, std::string answer) {
  Talk got;
  (void)co_await asked.send(asking(), std::string());
  got.request = co_await asked.peer.hear_until(kHeadEnd);
  co_await asked.peer.say(std::move(answer));
  got.head = co_await asked.client.read_head();
  if (!got.head || got.head->status != 101) co_return got;
  const auto ping = chunk_of("ping");
  (void)co_await asked.client.write(ping);
  (void)co_await asked.client.finish(kNone);
  got.heard_by_it = co_await asked.peer.hear_all();
  co_await asked.peer.say(" and the last word");
  asked.peer.end();
  while (true) {
    const auto piece = co_await asked.client.read();
    EXPECT_TRUE(piece);
    if (!piece || piece->empty()) break;
    got.heard_by_us += base::as_text(piece->bytes());
  }
  co_return got;
}

TEST(Http1TunnelTest, AnUpstreamThatProvesItselfOpensATunnelOfRawBytes) {
  base::Loop loop;
  Asked asked(loop);
  const auto got = run_task(loop, talk(asked, kSwitch + "first words"));
  EXPECT_EQ(got.request, "GET /chat HTTP/1.1\r\nHost: upstream.test\r\nSec-WebSocket-Key: " + kKey +
                             "\r\nSec-WebSocket-Version: 13\r\nConnection: Upgrade\r\n"
                             "Upgrade: websocket\r\n\r\n");
  ASSERT_TRUE(got.head) << got.head.error().detail;
  EXPECT_EQ(got.head->status, 101);
  EXPECT_EQ(got.heard_by_it, "ping");
  EXPECT_FALSE(asked.peer.was_reset());
  EXPECT_EQ(got.heard_by_us, "first words and the last word");
  EXPECT_TRUE(asked.client.ready());
  EXPECT_FALSE(asked.client.reusable());
}

class RefusedSwitch : public testing::TestWithParam<Row> {};

TEST_P(RefusedSwitch, IsABadAnswer) {
  base::Loop loop;
  Asked asked(loop);
  const auto got = run_task(loop, talk(asked, GetParam().head));
  ASSERT_FALSE(got.head);
  EXPECT_EQ(got.head.error().code, base::Code::kMalformed);
  EXPECT_EQ(got.head.error().retry, base::Retry::kNo);
  EXPECT_FALSE(asked.client.reusable());
}

std::string switch_with(const std::string& fields) {
  return "HTTP/1.1 101 Switching Protocols\r\n" + fields + "\r\n";
}

INSTANTIATE_TEST_SUITE_P(
    , RefusedSwitch,
    testing::Values(
        Row{"OtherAccept", switch_with("Upgrade: websocket\r\nConnection: Upgrade\r\n"
                                       "Sec-WebSocket-Accept: " +
                                       kKey + "\r\n")},
        Row{"NoAccept", switch_with("Upgrade: websocket\r\nConnection: Upgrade\r\n")},
        Row{"OtherProtocol", switch_with("Upgrade: h2c\r\nConnection: Upgrade\r\n"
                                         "Sec-WebSocket-Accept: " +
                                         kAccept + "\r\n")},
        Row{"NoProtocol",
            switch_with("Connection: Upgrade\r\nSec-WebSocket-Accept: " + kAccept + "\r\n")},
        Row{"TwoProtocols", switch_with("Upgrade: websocket, h2c\r\nConnection: Upgrade\r\n"
                                        "Sec-WebSocket-Accept: " +
                                        kAccept + "\r\n")},
        Row{"NoConnection",
            switch_with("Upgrade: websocket\r\nSec-WebSocket-Accept: " + kAccept + "\r\n")}),
    [](const auto& row) { return row.param.name; });

Task<Got> refuse_then_serve(Asked& asked) {
  const std::string no = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
  (void)co_await asked.send(asking(), std::string());
  co_await asked.peer.say(no);
  auto got = co_await asked.receive();
  EXPECT_TRUE(asked.client.reusable());
  // What was asked for once is not asked for by the next request.
  (void)co_await asked.send(request_for("GET"), std::string());
  co_await asked.peer.say(kSwitch);
  const auto next = co_await asked.client.read_head();
  EXPECT_FALSE(next);
  co_return got;
}

TEST(Http1TunnelTest, AnAnswerOtherThan101IsAnAnswerAndTheConnectionGoesOn) {
  base::Loop loop;
  Asked asked(loop);
  const auto got = run_task(loop, refuse_then_serve(asked));
  EXPECT_EQ(got.head.status, 403);
  EXPECT_EQ(got.body, "no");
}

}  // namespace
}  // namespace gatehouse::http::http1_tunnel_test
