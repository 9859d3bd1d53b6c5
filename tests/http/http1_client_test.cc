#include "http/http1_client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/http/asked.h"

namespace gatehouse::http::http1_client_test {
namespace {

using base::Code;
using base::Retry;
using base::Task;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

// --- the table of responses ---

struct Row {
  const char* name;
  std::string response;
  int status = 200;  // 0: refused as malformed
  std::string body = "";
  bool reusable = true;
  bool ends = false;  // the upstream closes after it
  const char* method = "GET";
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

std::string ok(std::string fields, std::string body = "") {
  return "HTTP/1.1 200 OK\r\n" + fields + "\r\n" + body;
}

std::vector<Row> refused_responses() {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  return {
      {"LengthAndChunked", ok("Content-Length: 5\r\n" + chunked, "0\r\n\r\n"), 0},
      {"TwoEqualLengths", ok("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 0},
      {"LengthList", ok("Content-Length: 5, 5\r\n", "hello"), 0},
      {"LengthEmpty", ok("Content-Length:\r\n", "hello"), 0},
      {"EncodingGzip", ok("Transfer-Encoding: gzip\r\n", "x"), 0},
      {"EncodingGzipChunked", ok("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"), 0},
      {"EncodingInHttp10", "HTTP/1.0 200 OK\r\n" + chunked + "\r\n0\r\n\r\n", 0},
      {"SwitchingUnasked", "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", 0},
      {"FoldedField", ok("X: y\r\n z\r\nContent-Length: 0\r\n"), 0},
      {"SpaceBeforeColon", ok("X : y\r\nContent-Length: 0\r\n"), 0},
      {"EmptyName", ok(": y\r\nContent-Length: 0\r\n"), 0},
      {"BareLf", "HTTP/1.1 200 OK\nContent-Length: 0\n\n", 0},
      {"BareCr", ok("X: y\rz\r\nContent-Length: 0\r\n"), 0},
      {"Status99", "HTTP/1.1 99 Low\r\nContent-Length: 0\r\n\r\n", 0},
      {"Status099", "HTTP/1.1 099 Low\r\nContent-Length: 0\r\n\r\n", 0},
      {"StatusFourDigits", "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n", 0},
      {"Http20", "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n", 0},
      {"NotHttp", "SSH-2.0-OpenSSH_9.2\r\n\r\n", 0},
      {"EmptyLineFirst", "\r\n" + ok("Content-Length: 0\r\n"), 0},
      {"HeadTooLong", ok("X: " + std::string(70'000, 'x') + "\r\n"), 0},
      {"BadChunk", ok(chunked, "5 \r\nhello\r\n0\r\n\r\n"), 0},
      {"ChunkEndsInLf", ok(chunked, "5\nhello\r\n0\r\n\r\n"), 0},
  };
}

std::vector<Row> read_responses() {
  const std::string chunked = "Transfer-Encoding: chunked\r\n";
  std::string many;
  for (int i = 0; i < 300; ++i) many += "X" + std::to_string(i) + ": y\r\n";
  return {
      {"Length", ok("Content-Length: 5\r\n", "hello"), 200, "hello"},
      {"Nothing", ok("Content-Length: 0\r\n")},
      {"Chunked", ok(chunked, "5\r\nhello\r\n1;x\r\n!\r\n0\r\n\r\n"), 200, "hello!"},
      {"UntilClose", ok("", "hello"), 200, "hello", false, true},
      {"Http10UntilClose", "HTTP/1.0 200 OK\r\n\r\nhello", 200, "hello", false, true},
      {"Http10Length", "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nhello", 200, "hello", false},
      {"Http10KeepAlive",
       "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 5\r\n\r\nhello", 200, "hello"},
      {"ConnectionClose", ok("Connection: close\r\nContent-Length: 5\r\n", "hello"), 200, "hello",
       false},
      {"NoReason", "HTTP/1.1 200 \r\nContent-Length: 0\r\n\r\n"},
      {"NoReasonNorSpace", "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"},
      {"Status204", "HTTP/1.1 204 No Content\r\n\r\n", 204},
      {"Status204WithLength", "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", 204, "",
       false},
      {"Status304WithLength", "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", 304},
      {"HeadWithLength", ok("Content-Length: 5\r\n"), 200, "", true, false, "HEAD"},
      {"HeadWithChunked", ok(chunked), 200, "", true, false, "HEAD"},
      {"HeadWithNothing", ok(""), 200, "", true, false, "HEAD"},
      {"BytesAfterTheResponse", ok("Content-Length: 5\r\n", "hello!"), 200, "hello", false},
      {"AfterContinue", "HTTP/1.1 100 Continue\r\n\r\n" + ok("Content-Length: 5\r\n", "hello"), 200,
       "hello"},
      {"AfterContinueWithLength",
       "HTTP/1.1 100 Continue\r\nContent-Length: 3\r\n\r\n" + ok("Content-Length: 5\r\n", "hello"),
       200, "hello"},
      {"ManyFields", ok(many + "Content-Length: 0\r\n")},
      {"LongHead", ok("X: " + std::string(60'000, 'x') + "\r\nContent-Length: 5\r\n", "hello"), 200,
       "hello"},
      {"LargeStatus", "HTTP/1.1 799 Odd\r\nContent-Length: 0\r\n\r\n", 799},
  };
}

Task<Got> ask(Asked& asked, const Row& row, bool slowly) {
  (void)co_await asked.send(request_for(row.method), std::string());
  (void)co_await asked.peer.hear_until("\r\n\r\n");
  base::Loop& loop = asked.client.transport().socket().loop();
  std::optional<Got> got;
  base::Event received(loop);
  struct Reading {
    static Task<void> run(Asked& from, std::optional<Got>& into, base::Event& done) {
      into = co_await from.receive();
      done.set();
    }
  };
  loop.spawn(Reading::run(asked, got, received), "reading a response");
  if (slowly) {
    co_await asked.peer.say_slowly(row.response, asked.client.transport().socket(), received);
  } else {
    co_await asked.peer.say(row.response);
  }
  if (row.ends) asked.peer.end();
  (void)co_await received.wait();
  co_return std::move(*got);
}

void expect_row(const Row& row, bool slowly) {
  base::Loop loop;
  Asked asked(loop);
  const auto got = run_task(loop, ask(asked, row, slowly));
  if (row.status == 0) {
    ASSERT_TRUE(got.error);
    EXPECT_EQ(got.error->code, Code::kMalformed) << got.error->detail;
    EXPECT_EQ(got.error->side, base::Side::kUpstream);
    EXPECT_EQ(got.error->retry, Retry::kNo);
    EXPECT_FALSE(asked.client.reusable());
  } else {
    ASSERT_FALSE(got.error) << got.error->detail;
    EXPECT_EQ(got.head.status, row.status);
    EXPECT_EQ(got.body, row.body);
    EXPECT_EQ(asked.client.reusable() && asked.client.still_idle(), row.reusable);
  }
}

class Responses : public ::testing::TestWithParam<Row> {};
TEST_P(Responses, Whole) { expect_row(GetParam(), false); }
TEST_P(Responses, ByteByByte) { expect_row(GetParam(), true); }
std::string row_name(const ::testing::TestParamInfo<Row>& info) { return info.param.name; }
INSTANTIATE_TEST_SUITE_P(Refused, Responses, ::testing::ValuesIn(refused_responses()), row_name);
INSTANTIATE_TEST_SUITE_P(Read, Responses, ::testing::ValuesIn(read_responses()), row_name);

// --- what is sent ---

Task<std::string> sent_text(Asked& asked, RequestHead head, std::string body) {
  (void)co_await asked.send(std::move(head), std::move(body));
  asked.client.close();
  co_return co_await asked.peer.hear_all();
}

TEST(Http1ClientTest, RequestsAreWrittenAnew) {
  base::Loop loop;
  Asked asked(loop);
  auto head = request_for("GET", "/a?b");
  head.fields.add("X-Y", "z");
  head.fields.add("Host", "other");
  head.fields.add("Content-Length", "7");
  head.fields.add("Transfer-Encoding", "chunked");
  head.fields.add("Connection", "close");
  head.fields.add("Split", "a\r\nHost: b");
  EXPECT_EQ(run_task(loop, sent_text(asked, head, "")),
            "GET /a?b HTTP/1.1\r\nHost: upstream.test\r\nX-Y: z\r\n\r\n");
}

TEST(Http1ClientTest, BodiesAreFramedAsTheHeadSays) {
  base::Loop loop;
  Asked chunked(loop);
  auto head = request_for("POST");
  head.body = BodyKind::kChunked;
  EXPECT_EQ(run_task(loop, sent_text(chunked, head, "hello")),
            "POST / HTTP/1.1\r\nHost: upstream.test\r\nTransfer-Encoding: chunked\r\n\r\n"
            "5\r\nhello\r\n0\r\n\r\n");
  Asked length(loop);
  head.body = BodyKind::kLength;
  head.content_length = 5;
  EXPECT_EQ(run_task(loop, sent_text(length, head, "hello")),
            "POST / HTTP/1.1\r\nHost: upstream.test\r\nContent-Length: 5\r\n\r\nhello");
  Asked nothing(loop);
  head.body = BodyKind::kNone;
  EXPECT_EQ(run_task(loop, sent_text(nothing, head, "")),
            "POST / HTTP/1.1\r\nHost: upstream.test\r\nContent-Length: 0\r\n\r\n");
}

// --- interim responses, trailers, announced lengths ---

Task<Got> exchange(Asked& asked, RequestHead head, std::string response, bool ends) {
  (void)co_await asked.send(std::move(head), std::string());
  co_await asked.peer.say(std::move(response));
  if (ends) asked.peer.end();
  co_return co_await asked.receive();
}

TEST(Http1ClientTest, InterimResponsesComeOneByOneWithoutContinue) {
  base::Loop loop;
  Asked asked(loop);
  const auto got = run_task(
      loop,
      exchange(asked, request_for("GET"),
               "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n"
               "HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
               false));
  ASSERT_EQ(got.interim.size(), 2u);
  EXPECT_EQ(got.interim[0].status, 103);
  EXPECT_EQ(*got.interim[0].fields.find("Link"), "</x>");
  EXPECT_EQ(got.interim[1].status, 102);
  EXPECT_EQ(got.head.status, 200);
  EXPECT_EQ(got.body, "ok");
  EXPECT_TRUE(asked.client.reusable());
}

Task<Got> expect_continue(Asked& asked) {
  auto head = request_for("POST");
  head.body = BodyKind::kLength;
  head.content_length = 2;
  head.expect_continue = true;
  (void)co_await asked.send(head, "ab");
  const auto heard = co_await asked.peer.hear_until("\r\n\r\nab");
  EXPECT_THAT(heard, HasSubstr("\r\nExpect: 100-continue\r\n"));
  co_await asked.peer.say(
      "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  co_return co_await asked.receive();
}

TEST(Http1ClientTest, ContinueIsGivenOutToWhoExpectsIt) {
  base::Loop loop;
  Asked asked(loop);
  const auto got = run_task(loop, expect_continue(asked));
  ASSERT_EQ(got.interim.size(), 1u);
  EXPECT_EQ(got.interim[0].status, 100);
  EXPECT_EQ(got.head.status, 200);
}

TEST(Http1ClientTest, EndlessInterimResponsesAreRefused) {
  base::Loop loop;
  Asked asked(loop);
  std::string interim;
  for (int i = 0; i < 20; ++i) interim += "HTTP/1.1 100 Continue\r\n\r\n";
  const auto got = run_task(loop, exchange(asked, request_for("GET"), interim, false));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, Code::kMalformed);
}

TEST(Http1ClientTest, TrailersAndTheAnnouncedLengthAreKept) {
  base::Loop loop;
  Asked asked(loop);
  auto got = run_task(loop, exchange(asked, request_for("GET"),
                                     "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                     "2\r\nok\r\n0\r\nGrpc-Status: 0\r\n\r\n",
                                     false));
  EXPECT_EQ(*got.trailers.find("grpc-status"), "0");
  got = run_task(loop, exchange(asked, request_for("HEAD"),
                                "HTTP/1.1 200 OK\r\nContent-Length: 77\r\n\r\n", false));
  EXPECT_EQ(got.head.announced_length, 77u);
  EXPECT_TRUE(got.trailers.empty());
}

TEST(Http1ClientTest, ControlBytesInTheReasonDropIt) {
  base::Loop loop;
  Asked asked(loop);
  const auto got =
      run_task(loop, exchange(asked, request_for("GET"),
                              "HTTP/1.1 200 O\x01K\r\nContent-Length: 0\r\n\r\n", false));
  ASSERT_FALSE(got.error);
  EXPECT_EQ(got.head.reason, "");
}

// --- what breaks ---

TEST(Http1ClientTest, CutBodiesAreErrors) {
  for (const char* cut :
       {"Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n5"}) {
    base::Loop loop;
    Asked asked(loop);
    const auto got = run_task(
        loop, exchange(asked, request_for("GET"), std::string("HTTP/1.1 200 OK\r\n") + cut, true));
    EXPECT_TRUE(got.has_head);
    EXPECT_EQ(got.body, "hello");
    ASSERT_TRUE(got.error) << cut;
    EXPECT_EQ(got.error->code, Code::kClosed);
    EXPECT_EQ(got.error->retry, Retry::kNo);
    EXPECT_FALSE(asked.client.reusable());
  }
}

TEST(Http1ClientTest, CloseWithoutAnAnswerOnANewConnectionIsNotRetried) {
  base::Loop loop;
  Asked asked(loop);
  const auto got = run_task(loop, exchange(asked, request_for("GET"), "", true));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, Code::kClosed);
  EXPECT_EQ(got.error->retry, Retry::kNo);
}

const char* const kOk = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(Http1ClientTest, CloseWithoutAnAnswerOnAUsedConnectionMayBeRetried) {
  base::Loop loop;
  Asked asked(loop);
  (void)run_task(loop, exchange(asked, request_for("GET"), kOk, false));
  ASSERT_TRUE(asked.client.reusable());
  const auto got = run_task(loop, exchange(asked, request_for("GET"), "", true));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->retry, Retry::kReused);
  EXPECT_FALSE(asked.client.reusable());
}

TEST(Http1ClientTest, OneByteOfAnAnswerForbidsTheRetry) {
  base::Loop loop;
  Asked asked(loop);
  (void)run_task(loop, exchange(asked, request_for("GET"), kOk, false));
  const auto got = run_task(loop, exchange(asked, request_for("GET"), "H", true));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->retry, Retry::kNo);
}

Task<Got> ask_after_reset(Asked& asked) {
  asked.wire.theirs.close_with_reset();
  Got got;
  // The first write may still succeed: the RST is on its way.
  auto sent = co_await asked.send(request_for("GET"), std::string());
  if (!sent) got.error = sent.error();
  if (sent) got = co_await asked.receive();
  co_return got;
}

TEST(Http1ClientTest, ResetOfAUsedConnectionMayBeRetried) {
  base::Loop loop;
  Asked asked(loop);
  (void)run_task(loop, exchange(asked, request_for("GET"), kOk, false));
  const auto got = run_task(loop, ask_after_reset(asked));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, Code::kReset);
  EXPECT_EQ(got.error->retry, Retry::kReused);
}

Task<bool> idle_after(Asked& asked, std::string unasked, bool ends) {
  co_await asked.peer.say(std::move(unasked));
  if (ends) asked.peer.end();
  (void)co_await asked.client.transport().wait_readable(base::Deadline::never());
  co_return asked.client.still_idle();
}

TEST(Http1ClientTest, IdleConnectionsAreFoundStale) {
  base::Loop loop;
  Asked closed(loop);
  (void)run_task(loop, exchange(closed, request_for("GET"), kOk, false));
  EXPECT_TRUE(closed.client.still_idle());
  EXPECT_FALSE(run_task(loop, idle_after(closed, "", true)));
  EXPECT_FALSE(closed.client.reusable());

  Asked talkative(loop);
  (void)run_task(loop, exchange(talkative, request_for("GET"), kOk, false));
  EXPECT_FALSE(run_task(loop, idle_after(talkative, "HTTP/1.1 408 Timeout\r\n\r\n", false)));
  EXPECT_FALSE(talkative.client.reusable());
}

// --- time ---

TEST(Http1ClientTest, SilentUpstreamTimesOut) {
  base::Loop loop;
  Http1ClientOptions options;
  options.response_head = base::Duration(30);
  Asked asked(loop, options);
  const auto got = run_task(loop, exchange(asked, request_for("GET"), "", false));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, Code::kTimeout);
  EXPECT_EQ(got.error->retry, Retry::kNo);
}

TEST(Http1ClientTest, StalledBodyTimesOut) {
  base::Loop loop;
  Http1ClientOptions options;
  options.body_idle = base::Duration(30);
  Asked asked(loop, options);
  const auto got =
      run_task(loop, exchange(asked, request_for("GET"),
                              "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello", false));
  EXPECT_EQ(got.body, "hello");
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, Code::kTimeout);
}

TEST(Http1ClientTest, TheOverallLimitEndsEveryWait) {
  base::Loop loop;
  Asked asked(loop);
  asked.client.limit(base::Deadline::in(base::Duration(30)));
  const auto got = run_task(loop, exchange(asked, request_for("GET"), "HTTP/1.1 2", false));
  ASSERT_TRUE(got.error);
  EXPECT_EQ(got.error->code, Code::kTimeout);
}

// --- both directions at once ---

// Uploads until the write fails; says nothing else.
Task<void> upload(Asked& asked, base::Result<void>& outcome, base::Event& done) {
  auto head = request_for("POST");
  head.body = BodyKind::kChunked;
  outcome = co_await asked.client.send_head(head);
  const auto piece = base::Chunk::copy_of(base::as_bytes(std::string(60'000, 'x')));
  while (outcome) outcome = co_await asked.client.write(piece);
  done.set();
}

Task<Got> early_answer(Asked& asked, base::Result<void>& outcome) {
  base::Loop& loop = asked.client.transport().socket().loop();
  base::Event done(loop);
  loop.spawn(upload(asked, outcome, done), "upload");
  (void)co_await asked.peer.hear_bytes(1000);
  co_await asked.peer.say("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\n\r\nbig");
  auto got = co_await asked.receive();
  // Only then does the upstream break off, and the upload with it.
  asked.wire.theirs.close_with_reset();
  (void)co_await done.wait();
  co_return got;
}

TEST(Http1ClientTest, EarlyAnswerIsReadWhileTheRequestIsStillSent) {
  base::Loop loop;
  Asked asked(loop);
  base::Result<void> upload_outcome;
  const auto got = run_task(loop, early_answer(asked, upload_outcome));
  EXPECT_FALSE(got.error);
  EXPECT_EQ(got.head.status, 413);
  EXPECT_EQ(got.body, "big");
  EXPECT_FALSE(asked.client.reusable());
  ASSERT_FALSE(upload_outcome);
  EXPECT_EQ(upload_outcome.error().retry, Retry::kNo);
}

Task<Got> answer_after_failed_write(Asked& asked, base::Result<void>& outcome) {
  base::Loop& loop = asked.client.transport().socket().loop();
  co_await asked.peer.say("HTTP/1.1 503 No\r\nContent-Length: 4\r\n\r\nbusy");
  asked.wire.theirs.close();  // the peer never reads: what comes later is answered by RST
  base::Event done(loop);
  loop.spawn(upload(asked, outcome, done), "upload");
  (void)co_await done.wait();
  co_return co_await asked.receive();
}

TEST(Http1ClientTest, AnswerIsStillReadAfterAFailedWrite) {
  base::Loop loop;
  Asked asked(loop);
  base::Result<void> upload_outcome;
  const auto got = run_task(loop, answer_after_failed_write(asked, upload_outcome));
  ASSERT_FALSE(upload_outcome);
  EXPECT_EQ(upload_outcome.error().code, Code::kReset);
  EXPECT_FALSE(got.error) << got.error->detail;
  EXPECT_EQ(got.head.status, 503);
  EXPECT_EQ(got.body, "busy");
  EXPECT_FALSE(asked.client.reusable());
}

Task<bool> ready_after_head(Asked& asked, std::string response) {
  (void)co_await asked.send(request_for("GET"), std::string());
  co_await asked.peer.say(std::move(response));
  (void)co_await asked.client.read_head();
  co_return asked.client.ready();
}

TEST(Http1ClientTest, ReadyTellsWhetherABodyPieceIsThere) {
  base::Loop loop;
  Asked with_body(loop);
  EXPECT_TRUE(run_task(loop, ready_after_head(with_body, kOk)));
  Asked without(loop);
  EXPECT_FALSE(run_task(
      loop,
      ready_after_head(without, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n")));
  Asked nothing(loop);
  EXPECT_TRUE(run_task(loop, ready_after_head(nothing, "HTTP/1.1 204 No Content\r\n\r\n")));
}

TEST(Http1ClientTest, ManyExchangesShareOneConnection) {
  base::Loop loop;
  Asked asked(loop);
  for (int i = 0; i < 20; ++i) {
    const auto got = run_task(loop, exchange(asked, request_for("GET"), kOk, false));
    ASSERT_FALSE(got.error);
    ASSERT_TRUE(asked.client.reusable());
    ASSERT_TRUE(asked.client.still_idle());
  }
  EXPECT_EQ(asked.client.exchanges(), 20u);
}

}  // namespace
}  // namespace gatehouse::http::http1_client_test
