#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/http/served.h"

namespace gatehouse::http::http1_server_test {
namespace {

using base::Task;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const std::string kHeadEnd = "\r\n\r\n";

std::size_t count(const std::string& text, const std::string& what) {
  std::size_t n = 0;
  for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++n;
  return n;
}

// --- from request to request ---

TEST(Http1ServerTest, PipelinedRequestsAreAnsweredInOrder) {
  for (const bool slowly : {false, true}) {
    base::Loop loop;
    Served served(loop);
    const std::string input =
        "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n"
        "POST /2 HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
        "POST /3 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nxyz\r\n0\r\n\r\n"
        "GET /4 HTTP/1.1\r\nHost: a\r\n\r\n";
    const auto heard = run_task(loop, converse(served, input, slowly));
    ASSERT_EQ(served.seen.size(), 4u);
    EXPECT_EQ(served.seen[0].head.target, "/1");
    EXPECT_EQ(served.seen[1].body, "abc");
    EXPECT_EQ(served.seen[2].body, "xyz");
    EXPECT_EQ(served.seen[3].head.target, "/4");
    EXPECT_EQ(count(heard, "HTTP/1.1 200 OK\r\n"), 4u);
    EXPECT_THAT(heard, Not(HasSubstr("Connection: close")));
    EXPECT_FALSE(served.error);
  }
}

TEST(Http1ServerTest, BytesAfterConnectionCloseAreIgnored) {
  base::Loop loop;
  Served served(loop);
  const std::string input = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n" + kGet;
  const auto heard = run_task(loop, converse(served, input, false));
  EXPECT_EQ(served.seen.size(), 1u);
  EXPECT_EQ(count(heard, "HTTP/1.1 200"), 1u);
  EXPECT_THAT(heard, HasSubstr("Connection: close\r\n"));
}

TEST(Http1ServerTest, Http10EndsUnlessItAsksToGoOn) {
  base::Loop loop;
  Served ends(loop);
  const std::string old = "GET / HTTP/1.0\r\n\r\n";
  auto heard = run_task(loop, converse(ends, old + old, false));
  EXPECT_EQ(ends.seen.size(), 1u);
  EXPECT_THAT(heard, HasSubstr("Connection: close\r\n"));

  Served goes_on(loop);
  const std::string keep = "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
  heard = run_task(loop, converse(goes_on, keep + old, false));
  EXPECT_EQ(goes_on.seen.size(), 2u);
  EXPECT_EQ(count(heard, "Connection: keep-alive\r\n"), 1u);
}

Task<std::string> wait_for_the_end(Served& served) {
  auto heard = co_await served.peer.hear_all();
  (void)co_await served.over.wait();
  co_return heard;
}

TEST(Http1ServerTest, IdleConnectionsEndInSilence) {
  base::Loop loop;
  Http1ServerOptions options;
  options.idle = base::Duration(30);
  Served served(loop, options);
  EXPECT_EQ(run_task(loop, wait_for_the_end(served)), "");
  EXPECT_FALSE(served.error);
}

Task<std::string> say_half_a_head(Served& served) {
  co_await served.peer.say("GET / HTTP/1.1\r\nHo");
  co_return co_await wait_for_the_end(served);
}

TEST(Http1ServerTest, SlowHeadGets408) {
  base::Loop loop;
  Http1ServerOptions options;
  options.request_head = base::Duration(30);
  Served served(loop, options);
  EXPECT_THAT(run_task(loop, say_half_a_head(served)),
              StartsWith("HTTP/1.1 408 Request Timeout\r\n"));
  EXPECT_EQ(served.server.refused_status(), 408);
  ASSERT_TRUE(served.error);
  EXPECT_EQ(served.error->code, base::Code::kTimeout);
  EXPECT_TRUE(served.seen.empty());
}

TEST(Http1ServerTest, ClientThatLeavesInAHeadIsAnError) {
  base::Loop loop;
  Served served(loop);
  EXPECT_EQ(run_task(loop, converse(served, "GET / HTTP/1.1\r\nHo", false)), "");
  ASSERT_TRUE(served.error);
  EXPECT_EQ(served.error->code, base::Code::kClosed);
}

Task<std::string> drain_while_idle(Served& served) {
  co_await served.peer.say(kGet);
  (void)co_await served.peer.hear_until("\r\n\r\nok");
  served.server.set_draining();
  co_return co_await wait_for_the_end(served);
}

TEST(Http1ServerTest, DrainingEndsIdleConnectionsAtOnce) {
  base::Loop loop;
  Served served(loop);
  EXPECT_EQ(run_task(loop, drain_while_idle(served)), "");
  EXPECT_FALSE(served.error);
}

Task<void> drain_then_answer(ServerStream& stream, Served& served) {
  served.server.set_draining();
  co_await answer_ok(stream, served);
}

TEST(Http1ServerTest, DrainingClosesAfterTheResponseUnderWay) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), drain_then_answer);
  const auto heard = run_task(loop, converse(served, kGet + kGet, false));
  EXPECT_EQ(served.seen.size(), 1u);
  EXPECT_THAT(heard, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close\r\n")));
}

// --- request bodies ---

TEST(Http1ServerTest, TrailersAreHandedOutAfterTheBodyWithoutThoseThatMayNotBe) {
  for (const bool slowly : {false, true}) {
    base::Loop loop;
    Served served(loop);
    const std::string input =
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
        "3\r\nabc\r\n0\r\nX-Sum: 1\r\nAuthorization: me\r\nX-Empty:\r\nHost: b\r\nX-Last:  2 "
        "\r\n\r\n";
    (void)run_task(loop, converse(served, input + kGet, slowly));
    ASSERT_EQ(served.seen.size(), 2u);
    const auto& trailers = served.seen[0].trailers;
    ASSERT_EQ(trailers.size(), 3u);
    EXPECT_EQ(*trailers.find("X-Sum"), "1");
    EXPECT_EQ(*trailers.find("X-Empty"), "");
    EXPECT_EQ(*trailers.find("X-Last"), "2");
    EXPECT_TRUE(served.seen[1].trailers.empty());
  }
}

TEST(Http1ServerTest, TooManyTrailersAreRefused) {
  base::Loop loop;
  Served served(loop);
  std::string input = "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n";
  for (int i = 0; i < 33; ++i) input += "X" + std::to_string(i) + ": y\r\n";
  const auto heard = run_task(loop, converse(served, input + "\r\n" + kGet, false));
  ASSERT_EQ(served.seen.size(), 1u);
  ASSERT_TRUE(served.seen[0].error);
  EXPECT_EQ(served.seen[0].error->code, base::Code::kMalformed);
}

TEST(Http1ServerTest, ChunkedBodyOverTheLimitGets413) {
  base::Loop loop;
  Http1ServerOptions options;
  options.body_bytes = 10;
  Served served(loop, options);
  const auto heard =
      run_task(loop, converse(served,
                              "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                              "8\r\n12345678\r\n8\r\n12345678\r\n0\r\n\r\n" +
                                  kGet,
                              true));
  ASSERT_EQ(served.seen.size(), 1u);
  ASSERT_TRUE(served.seen[0].error);
  EXPECT_EQ(served.seen[0].error->code, base::Code::kTooLarge);
  EXPECT_THAT(heard, AllOf(StartsWith("HTTP/1.1 413"), HasSubstr("Connection: close\r\n")));
}

TEST(Http1ServerTest, CutBodyIsAnErrorAndNeverAnEnd) {
  for (const char* framing :
       {"Content-Length: 10\r\n\r\nhello", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n"}) {
    base::Loop loop;
    Served served(loop);
    const auto heard = run_task(
        loop, converse(served, std::string("POST / HTTP/1.1\r\nHost: a\r\n") + framing, false));
    ASSERT_EQ(served.seen.size(), 1u);
    EXPECT_EQ(served.seen[0].body, "hello");
    ASSERT_TRUE(served.seen[0].error) << framing;
    EXPECT_EQ(served.seen[0].error->code, base::Code::kClosed);
    EXPECT_EQ(served.seen[0].error->side, base::Side::kDownstream);
    EXPECT_EQ(heard, "");
  }
}

Task<std::string> say_part_of_a_body(Served& served) {
  co_await served.peer.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello");
  co_return co_await wait_for_the_end(served);
}

TEST(Http1ServerTest, StalledBodyTimesOut) {
  base::Loop loop;
  Http1ServerOptions options;
  options.body_idle = base::Duration(30);
  Served served(loop, options);
  (void)run_task(loop, say_part_of_a_body(served));
  ASSERT_EQ(served.seen.size(), 1u);
  ASSERT_TRUE(served.seen[0].error);
  EXPECT_EQ(served.seen[0].error->code, base::Code::kTimeout);
}

TEST(Http1ServerTest, LargeBodiesArriveWhole) {
  base::Loop loop;
  Served served(loop);
  std::string body;
  for (int i = 0; i < 300'000; ++i) body += static_cast<char>('a' + i % 23);
  std::string chunked;
  for (std::size_t at = 0; at < body.size(); at += 777) {
    const auto piece = body.substr(at, 777);
    char size[16];
    std::snprintf(size, sizeof size, "%zx\r\n", piece.size());
    chunked += size + piece + "\r\n";
  }
  const std::string input = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 300000\r\n\r\n" + body +
                            "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
                            chunked + "0\r\n\r\n";
  (void)run_task(loop, converse(served, input, false));
  ASSERT_EQ(served.seen.size(), 2u);
  EXPECT_TRUE(served.seen[0].body == body);
  EXPECT_TRUE(served.seen[1].body == body);
}

// --- Expect ---

Task<std::string> upload_after_continue(Served& served) {
  co_await served.peer.say(
      "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-Continue\r\nContent-Length: 5\r\n\r\n");
  const auto interim = co_await served.peer.hear_until(kHeadEnd);
  co_await served.peer.say("hello");
  served.peer.end();
  const auto rest = co_await wait_for_the_end(served);
  co_return interim + "|" + rest;
}

TEST(Http1ServerTest, ContinueIsSentWhenTheBodyIsWanted) {
  base::Loop loop;
  Served served(loop);
  EXPECT_THAT(run_task(loop, upload_after_continue(served)),
              StartsWith("HTTP/1.1 100 Continue\r\n\r\n|HTTP/1.1 200 OK\r\n"));
  ASSERT_EQ(served.seen.size(), 1u);
  EXPECT_EQ(served.seen[0].body, "hello");
}

TEST(Http1ServerTest, AnsweredExpectationGetsNoContinueAndTheConnectionEnds) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), answer_unread);
  const auto heard =
      run_task(loop, converse(served,
                              "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\n"
                              "Content-Length: 5\r\n\r\n" +
                                  kGet,
                              false));
  EXPECT_THAT(heard, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close\r\n")));
  EXPECT_EQ(served.seen.size(), 1u);
}

// --- responses ---

Task<void> answer_chunked(ServerStream& stream, Served& served) {
  (void)co_await record(stream, served);
  ResponseHead hints;
  hints.status = 103;
  hints.fields.add("Link", "</x>");
  (void)co_await stream.write_interim(hints);
  ResponseHead head;
  head.body = BodyKind::kChunked;
  head.fields.add("X-Y", "z");
  head.fields.add("Connection", "keep-alive");
  head.fields.add("Transfer-Encoding", "gzip");
  head.fields.add("Split", "a\r\nSet-Cookie: x");
  (void)co_await stream.write_head(head);
  (void)co_await stream.flush();
  (void)co_await stream.write(base::Chunk::of_static("hello "));
  (void)co_await stream.write(base::Chunk::of_static("world of chunks"));
  Fields trailers;
  trailers.add("X-Sum", "1");
  (void)co_await stream.finish(trailers);
}

TEST(Http1ServerTest, UnknownLengthIsChunkedWithTrailers) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), answer_chunked);
  const std::string input = "GET / HTTP/1.1\r\nHost: a\r\nTE: trailers\r\n\r\n";
  const auto heard = run_task(loop, converse(served, input, false));
  EXPECT_THAT(heard,
              StartsWith("HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\n"));
  EXPECT_THAT(heard, AllOf(HasSubstr("X-Y: z\r\n"), HasSubstr("\r\nDate: "),
                           HasSubstr("Transfer-Encoding: chunked\r\n")));
  EXPECT_THAT(heard, Not(HasSubstr("gzip")));
  EXPECT_THAT(heard, Not(HasSubstr("Set-Cookie")));
  EXPECT_THAT(heard, EndsWith("6\r\nhello \r\nf\r\nworld of chunks\r\n0\r\nX-Sum: 1\r\n\r\n"));
}

TEST(Http1ServerTest, UnknownLengthForHttp10EndsWithTheConnection) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), answer_chunked);
  const std::string input = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";
  const auto heard = run_task(loop, converse(served, input + input, false));
  EXPECT_THAT(heard, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close\r\n"),
                           EndsWith("\r\n\r\nhello world of chunks")));
  EXPECT_EQ(served.seen.size(), 1u);
}

TEST(Http1ServerTest, HeadIsAnsweredWithTheLengthAndWithoutTheBody) {
  base::Loop loop;
  Served served(loop);
  const auto heard =
      run_task(loop, converse(served, "HEAD / HTTP/1.1\r\nHost: a\r\n\r\n" + kGet, false));
  EXPECT_EQ(count(heard, "HTTP/1.1 200"), 2u);
  EXPECT_EQ(count(heard, "Content-Length: 2\r\n"), 2u);
  EXPECT_EQ(count(heard, "\r\n\r\nok"), 1u);
  EXPECT_THAT(heard, EndsWith("\r\n\r\nok"));
}

Task<void> answer_bodiless(ServerStream& stream, Served& served) {
  (void)co_await record(stream, served);
  const bool first = served.seen.size() == 1;
  ResponseHead head;
  head.status = first ? 204 : 304;
  if (!first) head.announced_length = 77;
  (void)co_await stream.write_head(head);
  (void)co_await stream.write(base::Chunk::of_static("never seen"));
  const Fields none;
  (void)co_await stream.finish(none);
}

TEST(Http1ServerTest, Status204And304HaveNoBody) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), answer_bodiless);
  const auto heard = run_task(loop, converse(served, kGet + kGet, false));
  EXPECT_EQ(served.seen.size(), 2u);
  EXPECT_THAT(heard, HasSubstr("HTTP/1.1 204 No Content\r\n"));
  EXPECT_EQ(count(heard, "Content-Length"), 1u);
  EXPECT_THAT(heard, HasSubstr("Content-Length: 77\r\n"));
  EXPECT_THAT(heard, Not(HasSubstr("never")));
}

Task<void> answer_in_part(ServerStream& stream, Served& served) {
  (void)co_await record(stream, served);
  ResponseHead head;
  head.body = BodyKind::kChunked;
  (void)co_await stream.write_head(head);
  (void)co_await stream.write(base::Chunk::of_static("half"));
  stream.reset(base::Code::kClosed);
}

Task<void> answer_and_forget_the_end(ServerStream& stream, Served& served) {
  (void)co_await record(stream, served);
  ResponseHead head;
  head.body = BodyKind::kLength;
  head.content_length = 10;
  (void)co_await stream.write_head(head);
  (void)co_await stream.write(base::Chunk::of_static("half"));
}

TEST(Http1ServerTest, BrokenOffResponseEndsByReset) {
  for (const auto handler : {answer_in_part, answer_and_forget_the_end}) {
    base::Loop loop;
    Served served(loop, Http1ServerOptions(), handler);
    const auto heard = run_task(loop, converse(served, kGet, false));
    EXPECT_THAT(heard, Not(EndsWith("0\r\n\r\n")));
    EXPECT_TRUE(served.peer.was_reset());
    EXPECT_EQ(served.seen.size(), 1u);
  }
}

Task<void> answer_too_much(ServerStream& stream, Served& served) {
  (void)co_await record(stream, served);
  ResponseHead head;
  head.body = BodyKind::kLength;
  head.content_length = 2;
  (void)co_await stream.write_head(head);
  const auto written = co_await stream.write(base::Chunk::of_static("three"));
  if (!written) served.seen.back().error = written.error();
  stream.reset(base::Code::kClosed);
}

TEST(Http1ServerTest, ABodyLongerThanItsHeadSaysIsNotSent) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), answer_too_much);
  (void)run_task(loop, converse(served, kGet, false));
  ASSERT_TRUE(served.seen[0].error);
  EXPECT_EQ(served.seen[0].error->code, base::Code::kInternal);
}

Task<void> answer_a_lot(ServerStream& stream, Served& served) {
  (void)co_await record(stream, served);
  co_await answer(stream, 200, std::string(40'000'000, 'x'));
}

Task<void> hear_nothing(Served& served) {
  co_await served.peer.say(kGet);
  (void)co_await served.over.wait();
}

TEST(Http1ServerTest, ClientThatDoesNotReadIsLeft) {
  base::Loop loop;
  Http1ServerOptions options;
  options.write_stall = base::Duration(50);
  Served served(loop, options, answer_a_lot);
  run_task(loop, hear_nothing(served));
  EXPECT_EQ(served.seen.size(), 1u);
}

// A body that is echoed as it comes: reading and writing at the same time.
Task<void> echo(ServerStream& stream, Served& served) {
  served.seen.emplace_back();
  ResponseHead head;
  head.body = BodyKind::kChunked;
  (void)co_await stream.write_head(head);
  while (true) {
    auto piece = co_await stream.read();
    if (!piece) {
      stream.reset(base::Code::kClosed);
      co_return;
    }
    if (piece->empty()) break;
    (void)co_await stream.write(std::move(*piece));
  }
  const Fields none;
  (void)co_await stream.finish(none);
}

Task<std::string> talk_in_turns(Served& served) {
  co_await served.peer.say(
      "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n");
  auto heard = co_await served.peer.hear_until("3\r\none\r\n");
  co_await served.peer.say("3\r\ntwo\r\n");
  heard += co_await served.peer.hear_until("3\r\ntwo\r\n");
  co_await served.peer.say("0\r\n\r\n");
  served.peer.end();
  heard += co_await wait_for_the_end(served);
  co_return heard;
}

TEST(Http1ServerTest, PiecesPassAsTheyCome) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), echo);
  EXPECT_THAT(run_task(loop, talk_in_turns(served)),
              EndsWith("\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n"));
}

}  // namespace
}  // namespace gatehouse::http::http1_server_test
