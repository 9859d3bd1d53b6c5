#include "http/http2_server.h"

#include <gtest/gtest.h>
#include <sys/socket.h>

#include <string>

#include "tests/http/http2_served.h"

namespace gatehouse::http::http2_server_test {
namespace {

struct Http2ServerTest : testing::Test {
  ~Http2ServerTest() override { EXPECT_EQ(base::thrown_tasks(), 0u); }

  // What is answered on a stream: a status, or RST_STREAM's code.
  static std::string answer_on(Http2Served& served, std::int32_t stream) {
    for (;;) {
      const auto frame = served.next();
      if (frame.type == HeardFrame::kEnd) return "the end";
      if (frame.stream != stream) continue;
      if (frame.type == NGHTTP2_HEADERS) return frame.status;
      if (frame.type == NGHTTP2_RST_STREAM) return "reset " + std::to_string(frame.number());
    }
  }

  base::Loop loop;
};

TEST_F(Http2ServerTest, ARequestIsHandedOutAndAnsweredOnItsStream) {
  Http2Served served(loop);
  const auto head = request_list("GET", "/a%20b?c", {{"cookie", "a=1"}, {"cookie", "b=2"}});
  served.say(head_text(1, head, true));
  EXPECT_EQ(served.hear(NGHTTP2_HEADERS, 1).status, "200");
  const auto body = served.hear(NGHTTP2_DATA, 1);
  EXPECT_EQ(body.payload, "0 bytes");
  ASSERT_EQ(served.seen.size(), 1u);
  const auto& seen = served.seen[0];
  EXPECT_EQ(seen.method + " " + seen.target, "GET /a%20b?c");
  EXPECT_EQ(seen.authority, "a.test");
  EXPECT_EQ(*seen.fields.find("cookie"), "a=1; b=2");
  EXPECT_EQ(seen.body, BodyKind::kNone);
}

TEST_F(Http2ServerTest, ABodyComesWithAndWithoutItsLength) {
  Http2Served served(loop);
  served.say(post_text(1, {{"content-length", "6"}}) + data_text(1, "abc", false) +
             data_text(1, "def", true) + post_text(3) + data_text(3, "gh", true));
  EXPECT_EQ(served.hear(NGHTTP2_DATA, 1).payload, "6 bytes");
  EXPECT_EQ(served.hear(NGHTTP2_DATA, 3).payload, "2 bytes");
  EXPECT_EQ(served.seen.at(0).body, BodyKind::kLength);
  EXPECT_EQ(served.seen.at(1).body, BodyKind::kChunked);
}

TEST_F(Http2ServerTest, StreamsThatComeTogetherAreAnsweredAsEachIsReady) {
  Http2Served served(loop);
  served.say(get_text(1, "/hold") + get_text(3, "/hold") + get_text(5));
  const auto first = served.hear(NGHTTP2_HEADERS);
  EXPECT_EQ(first.stream, 5);
  served.release.set();
  EXPECT_EQ(answer_on(served, 1), "200");
  EXPECT_EQ(answer_on(served, 3), "200");
}

base::Task<void> work(const Http2Served& served, std::string& log) {
  for (int step = 0; step < 6; ++step) {
    log += std::to_string(served.seen.size());
    co_await yield();
  }
}

TEST_F(Http2ServerTest, RequestsBeginAfterWhatIsUnderWay) {
  Http2Served served(loop);
  served.ping();
  while (loop.poll() != 0) {
  }
  const auto request = get_text(1);
  ASSERT_EQ(::send(served.wire.theirs.native(), request.data(), request.size(), 0),
            static_cast<ssize_t>(request.size()));
  std::string seen_meanwhile;
  loop.spawn(work(served, seen_meanwhile), "work");
  loop.poll();
  EXPECT_EQ(seen_meanwhile, "000000");
  EXPECT_EQ(served.seen.size(), 1u);
}

TEST_F(Http2ServerTest, AStreamOverTheLimitIsRefusedAlone) {
  Http2Options options;
  options.streams = 2;
  Http2Served served(loop, options);
  served.say(get_text(1, "/hold") + get_text(3, "/hold") + get_text(5));
  EXPECT_EQ(answer_on(served, 5), "reset " + std::to_string(NGHTTP2_REFUSED_STREAM));
  served.release.set();
  EXPECT_EQ(answer_on(served, 1), "200");
  EXPECT_EQ(answer_on(served, 3), "200");
  served.say(get_text(7));
  EXPECT_EQ(answer_on(served, 7), "200");
}

TEST_F(Http2ServerTest, WorkUnderWayCountsThoughItsStreamWasReset) {
  Http2Options options;
  options.streams = 2;
  Http2Served served(loop, options);
  served.say(get_text(1, "/hold") + reset_text(1) + get_text(3, "/hold") + reset_text(3));
  served.ping();
  served.say(get_text(5));
  EXPECT_EQ(answer_on(served, 5), "reset " + std::to_string(NGHTTP2_REFUSED_STREAM));
  served.release.set();
  served.ping();
  served.say(get_text(7));
  EXPECT_EQ(answer_on(served, 7), "200");
}

TEST_F(Http2ServerTest, DrainingIsAnnouncedBeforeNewStreamsAreRefused) {
  Http2Served served(loop);
  served.say(get_text(1, "/hold"));
  served.ping();
  served.server.set_draining();
  const auto notice = served.hear(NGHTTP2_GOAWAY);
  EXPECT_EQ(notice.number(), 0x7fffffffu);
  EXPECT_EQ(notice.number(4), static_cast<std::uint32_t>(NGHTTP2_NO_ERROR));
  const auto ping = served.hear(NGHTTP2_PING);
  served.say(get_text(3));
  EXPECT_EQ(answer_on(served, 3), "200") << "it crossed the notice";
  served.say(frame_text(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, ping.payload));
  const auto last = served.hear(NGHTTP2_GOAWAY);
  EXPECT_EQ(last.number(), 3u);
  EXPECT_EQ(last.number(4), static_cast<std::uint32_t>(NGHTTP2_NO_ERROR));
  served.say(get_text(5));
  served.ping();
  EXPECT_EQ(served.seen.size(), 2u);
  served.release.set();
  EXPECT_EQ(answer_on(served, 1), "200");
  EXPECT_EQ(served.hear(NGHTTP2_GOAWAY).type, HeardFrame::kEnd);
  served.wire.theirs.close();
  served.wait_for_end();
  EXPECT_FALSE(served.error);
}

TEST_F(Http2ServerTest, AClientThatAnswersNoNoticeHasASecond) {
  Http2Served served(loop);
  served.say(get_text(1));
  EXPECT_EQ(answer_on(served, 1), "200");
  served.server.set_draining();
  EXPECT_EQ(served.hear(NGHTTP2_GOAWAY).number(), 0x7fffffffu);
  EXPECT_EQ(served.hear(NGHTTP2_GOAWAY).number(), 1u);
  EXPECT_EQ(served.next().type, HeardFrame::kEnd);
}

TEST_F(Http2ServerTest, AConnectionEndsIdleThoughItsLastAnswerWasTheLastThatHappened) {
  Http2Options options;
  options.idle = base::Duration(50);
  options.ping = base::Duration(600'000);
  Http2Served served(loop, options);
  for (const std::int32_t stream : {1, 3}) {
    served.say(get_text(stream));
    EXPECT_EQ(served.hear(NGHTTP2_DATA, stream).payload, "0 bytes");
  }
  const auto last = served.hear(NGHTTP2_GOAWAY);
  EXPECT_EQ(last.number(), 3u);
  EXPECT_EQ(last.number(4), static_cast<std::uint32_t>(NGHTTP2_NO_ERROR));
  EXPECT_EQ(served.next().type, HeardFrame::kEnd);
  served.wire.theirs.close();
  served.wait_for_end();
  EXPECT_FALSE(served.error);
}

TEST_F(Http2ServerTest, AClientThatAnswersNoPingHasGone) {
  Http2Options options;
  options.ping = options.ping_answer = base::Duration(50);
  Http2Served served(loop, options);
  served.say(post_text(1));
  EXPECT_EQ(served.hear(NGHTTP2_PING).flags, 0);
  served.wait_for_end();
  ASSERT_TRUE(served.error);
  EXPECT_EQ(served.error->code, base::Code::kTimeout);
  ASSERT_EQ(served.cut.size(), 1u) << "the request was cut, and never ended";
}

TEST_F(Http2ServerTest, AClientThatAnswersPingsMayBeSilent) {
  Http2Options options;
  options.ping = base::Duration(10);
  options.ping_answer = base::Duration(60'000);
  Http2Served served(loop, options);
  served.say(get_text(1, "/hold"));
  for (int i = 0; i < 5; ++i) {
    const auto asked = served.hear(NGHTTP2_PING);
    served.say(frame_text(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, asked.payload));
  }
  served.release.set();
  EXPECT_EQ(answer_on(served, 1), "200");
}

TEST_F(Http2ServerTest, AHeadThatDoesNotComeInTimeEndsTheConnection) {
  Http2Options options;
  options.request_head = base::Duration(50);
  base::AbuseCounters abuse;
  options.abuse = &abuse;
  Http2Served served(loop, options);
  served.say(frame_text(NGHTTP2_HEADERS, 0, 1, block_text(request_list("GET", "/"))));
  served.wait_for_end();
  ASSERT_TRUE(served.error);
  EXPECT_EQ(served.error->code, base::Code::kTimeout);
  EXPECT_TRUE(served.seen.empty());
}

// --- bodies that are not what they should be ---

TEST_F(Http2ServerTest, ABodyOverTheLimitIsRefusedByItsLengthAndByItsBytes) {
  Http2Options options;
  options.body_bytes = 10;
  Http2Served served(loop, options);
  served.say(post_text(1, {{"content-length", "11"}}));
  EXPECT_EQ(answer_on(served, 1), "413");
  EXPECT_TRUE(served.seen.empty());
  served.say(post_text(3) + data_text(3, "0123456789", false) + data_text(3, "x", false));
  EXPECT_EQ(answer_on(served, 3), "413");
  served.say(post_text(5, {{"content-length", "10"}}) + data_text(5, "0123456789", true));
  EXPECT_EQ(answer_on(served, 5), "200");
}

TEST_F(Http2ServerTest, ABodyThatIsNotAsLongAsItSaysIsCutAndNeverEnds) {
  Http2Served served(loop);
  const auto wrong = "reset " + std::to_string(NGHTTP2_PROTOCOL_ERROR);
  served.say(post_text(1, {{"content-length", "5"}}) + data_text(1, "abc", true));
  EXPECT_EQ(answer_on(served, 1), wrong);
  served.say(post_text(3, {{"content-length", "5"}}) + data_text(3, "abcdef", false));
  EXPECT_EQ(answer_on(served, 3), wrong);
  served.say(head_text(5, request_list("POST", "/", {{"content-length", "5"}}), true));
  EXPECT_EQ(answer_on(served, 5), wrong);
  served.say(get_text(7));
  EXPECT_EQ(answer_on(served, 7), "200") << "the others are not harmed";
  ASSERT_EQ(served.cut.size(), 2u) << "the third was handed out to nobody";
  for (const auto& error : served.cut) EXPECT_EQ(error.code, base::Code::kReset);
}

TEST_F(Http2ServerTest, AResetCutsABody) {
  Http2Served served(loop);
  served.say(post_text(1) + data_text(1, "half", false) + reset_text(1));
  served.ping();
  ASSERT_EQ(served.cut.size(), 1u);
  EXPECT_EQ(served.cut[0].code, base::Code::kCancelled);
}

// --- heads that are none ---

struct BadHead {
  const char* what;
  FieldList fields;
  const char* answer;
};

TEST_F(Http2ServerTest, AMalformedHeadIsRefusedAndNobodyElseSeesIt) {
  const std::string wrong = "reset " + std::to_string(NGHTTP2_PROTOCOL_ERROR);
  const auto* const reset = wrong.c_str();
  const std::vector<BadHead> all = {
      {"a name in upper case", request_list("GET", "/", {{"X-Up", "1"}}), reset},
      {"a field of a connection", request_list("GET", "/", {{"connection", "close"}}), reset},
      {"a body in chunks", request_list("POST", "/", {{"transfer-encoding", "chunked"}}), reset},
      {"te but trailers", request_list("GET", "/", {{"te", "gzip"}}), reset},
      {"a second path", request_list("GET", "/", {{":path", "/b"}}), reset},
      {"a pseudo-field behind", request_list("GET", "/", {{"a", "b"}, {":x", "y"}}), reset},
      {"no path", {{":method", "GET"}, {":scheme", "http"}, {":authority", "a"}}, reset},
      {"no method", {{":scheme", "http"}, {":authority", "a"}, {":path", "/"}}, reset},
      {"a status", request_list("GET", "/", {{":status", "200"}}), reset},
      {"a line break", request_list("GET", "/", {{"a", "b\r\nc: d"}}), reset},
      {"two lengths", request_list("GET", "/", {{"content-length", "0"}, {"content-length", "0"}}),
       reset},
      {"a length that is none", request_list("GET", "/", {{"content-length", "+1"}}), reset},
      {"an empty path", request_list("GET", ""), reset},
      {"another host", request_list("GET", "/", {{"host", "b.test"}}), "400"},
      {"a fragment", request_list("GET", "/a#b"), "400"},
      {"an ambiguous path", request_list("GET", "/a%00b"), "400"},
      {"a user",
       {{":method", "GET"}, {":scheme", "http"}, {":authority", "u@a"}, {":path", "/"}},
       "400"},
      {"nobody's authority", {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}}, reset},
      {"an odd scheme",
       {{":method", "GET"}, {":scheme", "ftp"}, {":authority", "a"}, {":path", "/"}},
       "400"},
      {"an unknown protocol",
       {{":method", "CONNECT"},
        {":protocol", "tcp"},
        {":scheme", "http"},
        {":authority", "a"},
        {":path", "/"}},
       "501"},
      {"TRACE", request_list("TRACE", "/"), "405"},
      {"an expectation", request_list("GET", "/", {{"expect", "more"}}), "417"},
  };
  Http2Served served(loop);
  std::int32_t stream = 1;
  for (const auto& bad : all) {
    served.say(head_text(stream, bad.fields, true));
    EXPECT_EQ(answer_on(served, stream), bad.answer) << bad.what;
    stream += 2;
  }
  EXPECT_TRUE(served.seen.empty());
  served.say(get_text(stream));
  EXPECT_EQ(answer_on(served, stream), "200");
}

TEST_F(Http2ServerTest, AHeadOverItsLimitsIs431Or414) {
  Http2Options options;
  options.head = HeadLimits(400, 8, 20);
  Http2Served served(loop, options);
  served.say(head_text(
      1, request_list("GET", "/", {{"a", std::string(120, 'x')}, {"b", std::string(120, 'x')}}),
      true));
  EXPECT_EQ(answer_on(served, 1), "431");
  const FieldList many(5, {"a", "b"});
  served.say(head_text(3, request_list("GET", "/", many), true));
  EXPECT_EQ(answer_on(served, 3), "431");
  served.say(get_text(5, "/" + std::string(20, 'x')));
  EXPECT_EQ(answer_on(served, 5), "414");
  EXPECT_TRUE(served.seen.empty());
}

TEST_F(Http2ServerTest, WhatIsNoHttp2IsAnError) {
  Http2Served served(loop);
  served.say(data_text(1, "on a stream that never was", false));
  const auto last = served.hear(NGHTTP2_GOAWAY);
  EXPECT_EQ(last.number(4), static_cast<std::uint32_t>(NGHTTP2_PROTOCOL_ERROR));
  served.wire.theirs.close();
  served.wait_for_end();
  ASSERT_TRUE(served.error);
  EXPECT_EQ(served.error->code, base::Code::kMalformed);
}

// --- windows ---

// A client that sends as much as it may.
struct Sender {
  Http2Served& served;
  std::int64_t stream_room = Http2Stream::kWindow;
  std::int64_t whole_room = 65535;
  std::int64_t sent = 0;
  std::int64_t most_room = 0;

  void hear(const HeardFrame& frame) {
    if (frame.type != NGHTTP2_WINDOW_UPDATE) return;
    (frame.stream == 0 ? whole_room : stream_room) += frame.number();
    most_room = std::max(most_room, stream_room);
  }
  // On stream 1: a round of what the windows allow.
  void send() {
    std::string text;
    while (std::min(stream_room, whole_room) > 0) {
      const auto size = std::min<std::int64_t>({stream_room, whole_room, 16384});
      text += data_text(1, std::string(static_cast<std::size_t>(size), 'x'), false);
      stream_room -= size;
      whole_room -= size;
      sent += size;
    }
    served.say(std::move(text));
    for (const auto& frame : served.ping()) hear(frame);
  }
};

TEST_F(Http2ServerTest, AFastReadersWindowDoublesUpToItsMost) {
  Http2Served served(loop);
  served.say(post_text(1));
  Sender sender{served};
  int full = 0;  // rounds in which it could grow no more
  for (int round = 0; round < 60 && full < 3; ++round) {
    sender.send();
    EXPECT_LE(sender.stream_room, std::int64_t{Http2Stream::kWindowMost});
    if (sender.most_room > std::int64_t{Http2Stream::kWindowMost} / 2) ++full;
  }
  EXPECT_GT(sender.most_room, std::int64_t{Http2Stream::kWindowMost} / 2);
  served.say(data_text(1, "", true));
  EXPECT_EQ(served.hear(NGHTTP2_DATA, 1).payload, std::to_string(sender.sent) + " bytes");
}

TEST_F(Http2ServerTest, ABodyThatNobodyReadsGetsNoMoreThanItsFirstWindow) {
  Http2Served served(loop);
  served.say(head_text(1, request_list("POST", "/hold"), false));
  Sender sender{served};
  for (int round = 0; round < 10; ++round) sender.send();
  EXPECT_EQ(sender.sent, std::int64_t{Http2Stream::kWindow});
  EXPECT_EQ(sender.stream_room, 0);
  served.say(post_text(3) + data_text(3, "for another", true));
  EXPECT_EQ(served.hear(NGHTTP2_DATA, 3).payload, "11 bytes");
}

TEST_F(Http2ServerTest, BodiesThatNobodyReadsHoldUpTheirOwnStreamsAlone) {
  Http2Served served(loop);
  const std::string part(16 * 1024, 'x');
  std::int32_t stream = 1;
  for (; stream < 60; stream += 2) {  // two mebibytes
    auto text = head_text(stream, request_list("POST", "/hold"), false);
    for (int i = 0; i < 4; ++i) text += data_text(stream, part, false);
    served.say(std::move(text));
  }
  served.say(post_text(stream) + data_text(stream, part, true));
  EXPECT_EQ(served.hear(NGHTTP2_DATA, stream).payload, "16384 bytes");
}

// --- short memory ---

struct ShortOfMemory {
  ShortOfMemory() {
    options.memory = &memory;
    memory.note(80);
  }
  base::MemoryBudget memory{100};
  Http2Options options;
};

TEST_F(Http2ServerTest, WhereMemoryIsShortAClientWhoseBodiesNobodyTakesIsNotRead) {
  ShortOfMemory is;
  Http2Served served(loop, is.options);
  const std::string piece(16384, 'x');
  std::string bodies = head_text(1, request_list("POST", "/hold"), false);
  for (int i = 0; i < 4; ++i) bodies += data_text(1, piece, i == 3);
  served.say(bodies + get_text(3));
  for (int i = 0; i < 50; ++i) loop.poll();
  EXPECT_EQ(served.seen.size(), 1u);
  served.release.set();
  EXPECT_EQ(answer_on(served, 3), "200") << "they were taken, and the rest is read";
}

TEST_F(Http2ServerTest, WhatWasNotReadForShortMemoryIsReadOnceThereIsEnough) {
  ShortOfMemory is;
  Http2Served served(loop, is.options);
  const std::string piece(16384, 'x');
  std::string bodies = head_text(1, request_list("POST", "/hold"), false);
  for (int i = 0; i < 4; ++i) bodies += data_text(1, piece, false);
  served.say(bodies + get_text(3));
  for (int i = 0; i < 50; ++i) loop.poll();
  EXPECT_EQ(served.seen.size(), 1u);
  is.memory.note(0);
  EXPECT_EQ(answer_on(served, 3), "200");
}

// Its answers to our PINGs are not read either.
TEST_F(Http2ServerTest, AClientThatIsNotReadForShortMemoryIsNotTakenForDead) {
  ShortOfMemory is;
  is.options.ping = is.options.ping_answer = Http2Session::kLookAgain / 10;
  Http2Served served(loop, is.options);
  const std::string piece(16384, 'x');
  auto text = head_text(1, request_list("POST", "/hold"), false);
  for (int i = 0; i < 4; ++i) text += data_text(1, piece, false);
  served.say(text + get_text(3));
  for (int i = 0; i < 50; ++i) loop.poll();
  for (int i = 0; i < 8; ++i) loop.run_once();  // each time that a PING or its answer is due
  is.memory.note(0);
  EXPECT_EQ(answer_on(served, 3), "200");
  EXPECT_FALSE(served.error);
}

TEST_F(Http2ServerTest, WhereMemoryIsShortNoWindowGrows) {
  ShortOfMemory is;
  Http2Served served(loop, is.options);
  served.say(post_text(1));
  Sender sender{served};
  for (int round = 0; round < 10; ++round) sender.send();
  EXPECT_GT(sender.sent, std::int64_t{Http2Stream::kWindow}) << "it is read, and taken";
  EXPECT_LE(sender.most_room, std::int64_t{Http2Stream::kWindow});
}

// A client that shuts its windows, or reads nothing, costs no more than that (RFC 9113 5.2).
TEST_F(Http2ServerTest, ManyStreamsThatNobodyReadsHoldABoundedPartOfTheirAnswers) {
  constexpr std::uint32_t kStreams = 90;
  Http2Served served(loop);
  std::string shut("\0\4\0\0\0\0", 6);  // SETTINGS_INITIAL_WINDOW_SIZE
  served.say(frame_text(NGHTTP2_SETTINGS, 0, 0, shut));
  for (std::uint32_t i = 0; i < kStreams; ++i) {
    served.say(get_text(static_cast<std::int32_t>(2 * i + 1), "/endless"));
  }
  served.ping();
  EXPECT_EQ(served.seen.size(), kStreams);
  EXPECT_LE(served.written,
            Http2Stream::kQueuedInAll + Http2Stream::kQueued + kStreams * Http2Served::kPiece);
  // Windows that open let all go on.
  const auto before = served.written;
  std::string open("\0\4\0\1\0\0", 6);
  served.say(frame_text(NGHTTP2_SETTINGS, 0, 0, open) +
             frame_text(NGHTTP2_WINDOW_UPDATE, 0, 0, number_text(8 << 20)));
  served.ping();
  EXPECT_GT(served.written, before);
}

}  // namespace
}  // namespace gatehouse::http::http2_server_test
