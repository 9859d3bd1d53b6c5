#include <gtest/gtest.h>

#include "tests/http/http2_served.h"

// What becomes of a body that still comes when its request has been answered (RFC 9113 8.1).
namespace gatehouse::http::http2_unread_body_test {
namespace {

const std::string kUnread = "reset " + std::to_string(NGHTTP2_NO_ERROR);

struct Http2UnreadBodyTest : testing::Test {
  ~Http2UnreadBodyTest() override { EXPECT_EQ(base::thrown_tasks(), 0u); }

  static std::string unread_post(std::int32_t stream) { return post_text(stream, {}, "/unread"); }

  // Every DATA frame is as large as may be.
  static std::string bulk(std::int32_t stream, std::size_t frames) {
    std::string text;
    for (std::size_t i = 0; i < frames; ++i) {
      text += data_text(stream, std::string(kFrame, 'x'), false);
    }
    return text;
  }
  static constexpr std::size_t kFrame = 16 * 1024;

  // Hears until the response on `stream` has ended.
  static std::string whole_answer(Http2Served& served, std::int32_t stream) {
    std::string heard;
    for (;;) {
      const auto frame = served.next();
      if (frame.type == HeardFrame::kEnd) return heard + "the end";
      if (frame.stream != stream) continue;
      if (frame.type == NGHTTP2_RST_STREAM) return "reset " + std::to_string(frame.number());
      if (frame.type == NGHTTP2_HEADERS) heard += frame.status + " ";
      if (frame.type == NGHTTP2_DATA) heard += frame.payload;
      const bool message = frame.type == NGHTTP2_HEADERS || frame.type == NGHTTP2_DATA;
      if (message && frame.ends()) return heard;
    }
  }

  static bool any_reset(const std::vector<HeardFrame>& heard) {
    for (const auto& frame : heard) {
      if (frame.type == NGHTTP2_RST_STREAM) return true;
    }
    return false;
  }

  base::Loop loop;
};

TEST_F(Http2UnreadBodyTest, AClientThatIsAnsweredEarlyMayEndItsBody) {
  Http2Served served(loop);
  served.say(unread_post(1) + bulk(1, 1));
  EXPECT_EQ(whole_answer(served, 1), "200 unread");
  EXPECT_FALSE(any_reset(served.ping()));
  served.say(bulk(1, 2) + data_text(1, "end", true) + get_text(3));
  EXPECT_EQ(whole_answer(served, 3), "200 0 bytes");
}

TEST_F(Http2UnreadBodyTest, AClientThatIsAnsweredEarlyMayBreakItsBodyOff) {
  for (const bool by_trailers : {false, true}) {
    Http2Served served(loop);
    served.say(post_text(1, {{"content-length", "100000"}}, "/unread") + bulk(1, 1));
    EXPECT_EQ(whole_answer(served, 1), "200 unread");
    EXPECT_FALSE(any_reset(served.ping()));
    served.say(by_trailers ? head_text(1, {{"a", "b"}}, true) : data_text(1, "", true));
    EXPECT_EQ(served.hear(NGHTTP2_RST_STREAM, 1).number(), std::uint32_t{NGHTTP2_NO_ERROR});
  }
}

TEST_F(Http2UnreadBodyTest, ABodyThatGoesOnForLongIsResetWithoutBlame) {
  Http2Served served(loop);
  served.say(unread_post(1));
  EXPECT_EQ(whole_answer(served, 1), "200 unread");
  served.say(bulk(1, Http2Stream::kWindow / kFrame));  // as much as may be sent without an update
  EXPECT_EQ(served.hear(NGHTTP2_WINDOW_UPDATE, 1).stream, 1) << "what was dropped is given back";
  EXPECT_FALSE(any_reset(served.ping()));
  served.say(bulk(1, 1));
  EXPECT_EQ(whole_answer(served, 1), kUnread);
  served.say(bulk(1, 1));  // what was on its way harms nobody
  served.say(post_text(3) + bulk(3, 4) + data_text(3, "", true));
  EXPECT_EQ(whole_answer(served, 3), "200 65536 bytes");
}

TEST_F(Http2UnreadBodyTest, ABodyThatDoesNotEndIsResetAfterAWhile) {
  Http2Served served(loop);
  served.say(unread_post(1) + unread_post(3));
  EXPECT_EQ(whole_answer(served, 1), "200 unread");
  EXPECT_EQ(served.hear(NGHTTP2_RST_STREAM, 1).number(), std::uint32_t{NGHTTP2_NO_ERROR});
  EXPECT_EQ(served.hear(NGHTTP2_RST_STREAM, 3).number(), std::uint32_t{NGHTTP2_NO_ERROR});
}

TEST_F(Http2UnreadBodyTest, BodiesThatStillComeCountBesideTheWorkUnderWay) {
  Http2Options options;
  options.streams = 2;
  Http2Served served(loop, options);
  served.say(get_text(1, "/hold") + reset_text(1) + unread_post(3));
  EXPECT_EQ(whole_answer(served, 3), "200 unread");
  served.say(get_text(5));
  EXPECT_EQ(whole_answer(served, 5), "reset " + std::to_string(NGHTTP2_REFUSED_STREAM));
  served.say(data_text(3, "end", true) + unread_post(7));
  EXPECT_EQ(whole_answer(served, 7), "200 unread");
  served.say(reset_text(7) + get_text(9));
  EXPECT_EQ(whole_answer(served, 9), "200 0 bytes");
}

TEST_F(Http2UnreadBodyTest, ARefusedRequestMayEndItsBodyToo) {
  Http2Options options;
  options.body_bytes = Http2Stream::kWindow;
  Http2Served served(loop, options);
  served.say(post_text(1, {{"content-length", "500000"}}));
  EXPECT_EQ(served.hear(NGHTTP2_HEADERS, 1).status, "413");
  EXPECT_TRUE(served.hear(NGHTTP2_DATA, 1).ends());
  served.say(bulk(1, Http2Stream::kWindow / kFrame));
  EXPECT_EQ(served.hear(NGHTTP2_WINDOW_UPDATE, 1).stream, 1);
  served.say(bulk(1, 1));
  EXPECT_EQ(whole_answer(served, 1), kUnread);
}

TEST_F(Http2UnreadBodyTest, AConnectionThatDrainsWaitsForABodyToEnd) {
  Http2Served served(loop);
  served.say(unread_post(1));
  EXPECT_EQ(whole_answer(served, 1), "200 unread");
  served.server.set_draining();
  const auto asked = served.hear(NGHTTP2_PING);
  served.say(frame_text(NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, asked.payload));
  EXPECT_EQ(served.hear(NGHTTP2_GOAWAY).number(), 1u);
  EXPECT_FALSE(any_reset(served.ping()));
  served.say(data_text(1, "end", true));
  EXPECT_EQ(served.hear(NGHTTP2_GOAWAY).type, HeardFrame::kEnd);
}

}  // namespace
}  // namespace gatehouse::http::http2_unread_body_test
