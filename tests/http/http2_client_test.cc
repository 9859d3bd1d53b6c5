#include "http/http2_client.h"

#include <gtest/gtest.h>
#include <nghttp2/nghttp2.h>

#include <deque>

#include "tests/http/nghttp2_server.h"

namespace gatehouse::http::http2_client_test {
namespace {

struct Http2ClientTest : testing::Test {
  ~Http2ClientTest() override { EXPECT_EQ(base::thrown_tasks(), 0u); }

  // What an exchange gave.
  struct Got {
    std::vector<ResponseHead> interim;
    ResponseHead head;
    std::string body;
    Fields trailers;
    std::optional<base::Error> error;
  };

  static RequestHead request(std::string_view method, std::string_view target = "/") {
    RequestHead head;
    head.method = method;
    head.target = target;
    head.authority = "upstream.test";
    return head;
  }
  static RequestHead post(BodyKind body) {
    auto head = request("POST");
    head.body = body;
    head.content_length = 4;
    return head;
  }

  static base::Task<Got> receive(ClientStream& stream) {
    Got got;
    for (;;) {
      auto head = co_await stream.read_head();
      if (!head) {
        got.error = head.error();
        co_return got;
      }
      got.head = *head;
      if (head->status >= 200 || head->status == 101) break;
      got.interim.push_back(*head);
    }
    for (;;) {
      const auto piece = co_await stream.read();
      if (!piece) got.error = piece.error();
      if (!piece || piece->empty()) break;
      got.body += base::as_text(piece->bytes());
    }
    got.trailers = stream.trailers();
    co_return got;
  }
  static base::Task<Got> exchange(ClientStream& stream, RequestHead head, std::string body) {
    (void)co_await stream.send_head(head);
    const auto chunk = base::Chunk::copy_of(base::as_bytes(body));
    if (!body.empty()) (void)co_await stream.write(chunk);
    const Fields none;
    (void)co_await stream.finish(none);
    co_return co_await receive(stream);
  }
  Got ask(Http2Pair& pair, RequestHead head, std::string body = "") {
    const auto stream = pair.client.open();
    return run_task(loop, exchange(*stream, std::move(head), std::move(body)));
  }

  base::Loop loop;
};

TEST_F(Http2ClientTest, ARequestArrivesWithItsFieldsAndTheAnswerComesBack) {
  Http2Pair pair(loop);
  auto head = request("GET", "/a?b");
  head.fields.add("X-Mixed", "Yes");
  head.fields.add("Connection", "close");
  const auto got = ask(pair, head);
  ASSERT_FALSE(got.error) << got.error->detail;
  EXPECT_EQ(got.head.status, 200);
  EXPECT_EQ(got.body, "hello");
  const auto& asked = pair.server.requests.at(0);
  EXPECT_EQ(asked.fields.at(":path"), "/a?b");
  EXPECT_EQ(asked.fields.at(":authority"), "upstream.test");
  EXPECT_EQ(asked.fields.at(":scheme"), "http");
  EXPECT_EQ(asked.fields.at("x-mixed"), "Yes");
  EXPECT_FALSE(asked.fields.contains("connection"));
}

TEST_F(Http2ClientTest, BodiesGoUpWithAndWithoutLength) {
  Http2Pair pair(loop);
  EXPECT_EQ(ask(pair, post(BodyKind::kLength), "four").body, "hello");
  EXPECT_EQ(ask(pair, post(BodyKind::kChunked), "four").body, "hello");
  EXPECT_EQ(pair.server.requests.at(0).body, "four");
  EXPECT_EQ(pair.server.requests.at(0).fields.at("content-length"), "4");
  EXPECT_EQ(pair.server.requests.at(1).body, "four");
  EXPECT_FALSE(pair.server.requests.at(1).fields.contains("content-length"));
}

TEST_F(Http2ClientTest, InterimHeadsComeBeforeTheFinalOneAndTrailersAfterIt) {
  Http2Pair pair(loop);
  const auto got = ask(pair, request("GET", "/hints-and-trailers"));
  ASSERT_FALSE(got.error) << got.error->detail;
  ASSERT_EQ(got.interim.size(), 1u);
  EXPECT_EQ(got.interim[0].status, 103);
  ASSERT_TRUE(got.trailers.has("x-sum"));
}

TEST_F(Http2ClientTest, NoStreamIsGivenOutBeforeTheServerSaidWhatItAllows) {
  Http2Pair pair(loop, Http2PeerOptions{.speaks = false});
  EXPECT_FALSE(pair.client.available());
  pair.server.speak();
  run_task(loop, pair.until_ready());
  EXPECT_TRUE(pair.client.available());
}

TEST_F(Http2ClientTest, TheServersLimitOfStreamsIsKept) {
  Http2Pair pair(loop, Http2PeerOptions{.streams = 2});
  run_task(loop, pair.until_ready());
  auto first = pair.client.open();
  const auto second = pair.client.open();
  EXPECT_FALSE(pair.client.available());
  first.reset();
  EXPECT_TRUE(pair.client.available());
  EXPECT_EQ(pair.client.streams(), 1u);
}

TEST_F(Http2ClientTest, ARefusedStreamMayBeSentAgain) {
  Http2Pair pair(loop);
  const auto got = ask(pair, request("POST", "/refuse"));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->retry, base::Retry::kYes);
  EXPECT_EQ(got.error->side, base::Side::kUpstream);
  EXPECT_TRUE(pair.client.available());
}

TEST_F(Http2ClientTest, AfterGoawayStreamsAboveItsLastMayBeSentAgainAndNoneIsGivenOut) {
  Http2Pair pair(loop);
  EXPECT_EQ(ask(pair, request("GET")).body, "hello");
  const auto got = ask(pair, request("POST", "/goaway"));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->retry, base::Retry::kYes);
  EXPECT_FALSE(pair.client.available());
  run_task(loop, pair.until_over());
}

TEST_F(Http2ClientTest, AnotherResetIsNotSentAgain) {
  Http2Pair pair(loop);
  const auto got = ask(pair, request("POST", "/reset"));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->retry, base::Retry::kNo);
  EXPECT_EQ(got.error->code, base::Code::kReset);
}

TEST_F(Http2ClientTest, ABodyThatIsCutIsAnErrorAndNeverAnEnd) {
  Http2Pair pair(loop);
  for (const auto* path : {"/cut", "/short"}) {
    const auto got = ask(pair, request("GET", path));
    ASSERT_TRUE(got.error) << path;
    EXPECT_EQ(got.error->retry, base::Retry::kNo);
  }
  const auto died = ask(pair, request("GET", "/die"));
  EXPECT_EQ(died.head.status, 200);
  EXPECT_TRUE(died.error);
}

TEST_F(Http2ClientTest, AUsedConnectionThatBreaksWithoutAnAnswerWasStale) {
  Http2Pair fresh(loop);
  EXPECT_EQ(ask(fresh, request("GET", "/hang-up")).error->retry, base::Retry::kNo);
  Http2Pair used(loop);
  EXPECT_FALSE(ask(used, request("GET")).error);
  EXPECT_EQ(ask(used, request("GET", "/hang-up")).error->retry, base::Retry::kReused);
}

TEST_F(Http2ClientTest, AnEarlyAnswerIsReadThoughTheBodyCannotBeSent) {
  Http2Pair pair(loop);
  const auto stream = pair.client.open();
  run_task(loop, [](ClientStream& on) -> base::Task<void> {
    auto head = post(BodyKind::kChunked);
    head.target = "/early";
    (void)co_await on.send_head(head);
    const auto piece = base::Chunk::of_static("some");
    (void)co_await on.write(piece);
    const auto got = co_await receive(on);
    EXPECT_FALSE(got.error);
    EXPECT_EQ(got.head.status, 413);
    EXPECT_EQ(got.body, "hello");
    const auto written = co_await on.write(piece);
    EXPECT_FALSE(written);
  }(*stream));
}

TEST_F(Http2ClientTest, AConnectionOfManyUnreadBodiesTakesNoMoreRequests) {
  Http2Pair pair(loop);
  std::uint64_t sent = 0;
  EXPECT_FALSE(ask(pair, request("GET")).error);
  while (!pair.client.ended() && sent < 2 * Http2Client::kUnreadMost) {
    const auto stream = pair.client.open();
    run_task(loop, [](ClientStream& on) -> base::Task<void> {
      auto head = post(BodyKind::kChunked);
      head.target = "/early";
      (void)co_await on.send_head(head);
      const auto piece = base::Chunk::copy_of(base::as_bytes(std::string(60'000, 'x')));
      (void)co_await on.write(piece);
      const auto got = co_await receive(on);
      EXPECT_EQ(got.head.status, 413);
    }(*stream));
    sent += 60'000;
  }
  EXPECT_GE(sent, Http2Client::kUnreadMost);
  EXPECT_LT(sent, 2 * Http2Client::kUnreadMost);
}

TEST_F(Http2ClientTest, ResponsesThatAreNoneAreRefused) {
  Http2Pair pair(loop);
  for (const auto* path : {"/switch", "/many-hints"}) {
    const auto got = ask(pair, request("GET", path));
    ASSERT_TRUE(got.error) << path;
    EXPECT_EQ(got.error->retry, base::Retry::kNo) << path << ": " << got.error->detail;
  }
  EXPECT_EQ(ask(pair, request("GET")).body, "hello") << "others are not harmed";
}

TEST_F(Http2ClientTest, ManyAnswersThatEndWithAnEmptyFrameAreNoFlood) {
  Http2Pair pair(loop);
  for (int i = 0; i < 300; ++i) {
    const auto got = ask(pair, request("GET", "/empty-end"));
    ASSERT_FALSE(got.error) << i << ": " << got.error->detail;
  }
}

TEST_F(Http2ClientTest, AServerThatIsNoHttp2IsAnError) {
  Http2Pair pair(loop, Http2PeerOptions{.speaks = false});
  pair.server.say_raw("HTTP/1.1 400 Bad Request\r\n\r\n");
  run_task(loop, pair.until_over());
  EXPECT_FALSE(pair.client.ready());
  EXPECT_TRUE(pair.client.ended());
}

TEST_F(Http2ClientTest, ATunnelIsAskedForByExtendedConnectAndItsAnswerIsAHandshakes) {
  Http2Pair pair(loop, Http2PeerOptions{.tunnels = true});
  run_task(loop, pair.until_ready());
  const auto stream = pair.client.open();
  run_task(loop, [](ClientStream& on) -> base::Task<void> {
    auto head = request("GET", "/tunnel");
    head.upgrade = "websocket";
    head.fields.add("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    (void)co_await on.send_head(head);
    const Fields none;
    (void)co_await on.finish(none);  // of a request without a body: no end of the tunnel
    auto answer = co_await on.read_head();
    EXPECT_TRUE(answer);
    if (!answer) co_return;
    EXPECT_EQ(answer->status, 101);
    const auto proof = answer->fields.find("Sec-WebSocket-Accept");
    EXPECT_TRUE(proof == "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    const auto said = base::Chunk::of_static("raw");
    (void)co_await on.write(said);
    const auto heard = co_await on.read();
    EXPECT_TRUE(heard && base::as_text(heard->bytes()) == "raw");
    (void)co_await on.finish(none);
    const auto end = co_await on.read();
    EXPECT_TRUE(end && end->empty());
  }(*stream));
  const auto& asked = pair.server.requests.at(0).fields;
  EXPECT_EQ(asked.at(":method"), "CONNECT");
  EXPECT_EQ(asked.at(":protocol"), "websocket");
  EXPECT_FALSE(asked.contains("sec-websocket-key"));
}

TEST_F(Http2ClientTest, ATunnelThatIsRefusedIsAnAnswerAndTheRequestEnds) {
  Http2Pair pair(loop, Http2PeerOptions{.tunnels = true});
  run_task(loop, pair.until_ready());
  auto head = request("GET", "/forbidden");  // the answer ends when the request does
  head.upgrade = "websocket";
  const auto got = ask(pair, head);
  ASSERT_FALSE(got.error) << got.error->detail;
  EXPECT_EQ(got.head.status, 403);
}

TEST_F(Http2ClientTest, WithoutExtendedConnectThereAreNoTunnels) {
  Http2Pair pair(loop);
  run_task(loop, pair.until_ready());
  auto head = request("GET", "/tunnel");
  head.upgrade = "websocket";
  const auto got = ask(pair, head);
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, base::Code::kUnsupported);
  EXPECT_EQ(got.error->retry, base::Retry::kNo);
}

TEST_F(Http2ClientTest, AnIdleConnectionIsReadSoThatItsEndIsSeen) {
  Http2Pair pair(loop);
  EXPECT_EQ(ask(pair, request("GET")).body, "hello");
  pair.server.hang_up();
  run_task(loop, pair.until_over());
  EXPECT_FALSE(pair.client.available());
}

TEST_F(Http2ClientTest, SilenceIsAskedAboutByAPingAndEndsTheConnection) {
  auto options = Http2Pair::client_options();
  options.ping = options.ping_answer = base::Duration(30);
  Http2Pair pair(loop, Http2PeerOptions{.answers_pings = false}, options);
  run_task(loop, pair.until_ready());
  const auto got = ask(pair, request("GET", "/silent"));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, base::Code::kTimeout);
}

TEST_F(Http2ClientTest, AServerThatAnswersPingsMayBeSlow) {
  auto options = Http2Pair::client_options();
  options.ping = base::Duration(10);
  options.ping_answer = base::Duration(10'000);
  options.response_head = base::Duration(150);
  Http2Pair pair(loop, Http2PeerOptions(), options);
  const auto got = ask(pair, request("GET", "/silent"));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->detail, "the upstream did not answer in time");
  EXPECT_EQ(ask(pair, request("GET")).body, "hello") << "the connection stands";
}

TEST_F(Http2ClientTest, DrainingLetsStreamsEnd) {
  Http2Pair pair(loop);
  run_task(loop, pair.until_ready());
  auto stream = pair.client.open();
  pair.client.drain();
  EXPECT_FALSE(pair.client.available());
  EXPECT_EQ(run_task(loop, exchange(*stream, request("GET"), "")).body, "hello");
  stream.reset();  // the pointer: the exchange has ended
  run_task(loop, pair.until_over());
  while (!pair.server.saw_goaway) loop.run_once();
}

TEST_F(Http2ClientTest, AStreamMayOutliveItsConnection) {
  std::unique_ptr<ClientStream> stream;
  {
    Http2Pair pair(loop);
    run_task(loop, pair.until_ready());
    stream = pair.client.open();
    EXPECT_TRUE(run_task(loop, stream->send_head(request("GET", "/silent"))));
  }
  const auto got = run_task(loop, receive(*stream));
  EXPECT_TRUE(got.error);
  stream->reset();
}

}  // namespace
}  // namespace gatehouse::http::http2_client_test
