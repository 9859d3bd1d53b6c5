#include <gtest/gtest.h>

#include "tests/http/http2_served.h"

// What an HTTP/2 client gets of a response that breaks off (RFC 9113 5.4.2).
namespace gatehouse::http::http2_last_words_test {
namespace {

struct Http2LastWordsTest : testing::Test {
  ~Http2LastWordsTest() override { EXPECT_EQ(base::thrown_tasks(), 0u); }

  // "status bytes code" of a response that ends by RST_STREAM.
  static std::string broken_answer(Http2Served& served, std::int32_t stream) {
    std::string status = "nothing";
    std::size_t bytes = 0;
    for (;;) {
      const auto frame = served.next();
      if (frame.type == HeardFrame::kEnd) return "the end";
      if (frame.stream != stream) continue;
      if (frame.type == NGHTTP2_HEADERS) status = frame.status;
      if (frame.type == NGHTTP2_DATA) bytes += frame.payload.size();
      if (frame.type == NGHTTP2_DATA && frame.ends()) return "a whole answer";
      if (frame.type != NGHTTP2_RST_STREAM) continue;
      return status + " " + std::to_string(bytes) + " " + std::to_string(frame.number());
    }
  }
  static std::string first_window(std::uint32_t size) {
    const std::string id = {0, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE};
    return frame_text(NGHTTP2_SETTINGS, 0, 0, id + number_text(size));
  }

  base::Loop loop;
};

TEST_F(Http2LastWordsTest, WhatWasWrittenComesBeforeTheReset) {
  Http2Served served(loop);
  served.say(get_text(1, "/cut"));
  EXPECT_EQ(broken_answer(served, 1), "200 40000 2");
}

TEST_F(Http2LastWordsTest, ButNoWindowIsWaitedFor) {
  Http2Served served(loop);
  served.say(first_window(1000) + get_text(1, "/cut"));
  EXPECT_EQ(broken_answer(served, 1), "200 1000 2");
  served.say(first_window(0) + get_text(3, "/cut"));
  EXPECT_EQ(broken_answer(served, 3), "200 0 2");
}

TEST_F(Http2LastWordsTest, NorTheConnectionsWindow) {
  Http2Served served(loop);
  served.say(get_text(1, "/cut") + get_text(3, "/cut") + get_text(5, "/cut"));
  std::size_t bytes = 0;
  int resets = 0;
  while (resets < 3) {
    const auto frame = served.next();
    ASSERT_NE(frame.type, HeardFrame::kEnd);
    if (frame.type == NGHTTP2_DATA) bytes += frame.payload.size();
    if (frame.type == NGHTTP2_RST_STREAM) ++resets;
  }
  EXPECT_EQ(bytes, 65535u);
  EXPECT_TRUE(served.ping().back().type == NGHTTP2_PING) << "the connection goes on";
}

}  // namespace
}  // namespace gatehouse::http::http2_last_words_test
