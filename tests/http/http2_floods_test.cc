#include "http/http2_floods.h"

#include <gtest/gtest.h>

#include "http/http2_empty_frames.h"
#include "tests/http/http2_served.h"

namespace gatehouse::http::http2_floods_test {
namespace {

// --- what comes for streams that are over ---

TEST(Http2EmptyFramesTest, AreCountedHoweverTheInputIsCut) {
  const std::string input = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" +
                            frame_text(NGHTTP2_SETTINGS, 0, 0, "") + data_text(1, "", false) +
                            data_text(1, std::string(300, '\0'), false) + data_text(1, "", true) +
                            data_text(3, "", false);
  for (std::size_t step = 1; step <= input.size(); ++step) {
    Http2EmptyFrames frames;
    for (std::size_t at = 0; at < input.size(); at += step) {
      frames.walk(base::as_bytes(std::string_view(input).substr(at, step)));
      const bool whole = at + step >= input.size();
      EXPECT_EQ(frames.count() == 3, whole) << "in pieces of " << step;
    }
  }
}

struct Http2LateFramesTest : testing::Test {
  ~Http2LateFramesTest() override { EXPECT_EQ(base::thrown_tasks(), 0u); }

  // `count` streams that are over on both sides.
  static std::int32_t many_streams(Http2Served& served, int count) {
    for (int i = 0; i < count; ++i) {
      served.say(get_text(2 * i + 1));
      EXPECT_EQ(served.hear(NGHTTP2_DATA, 2 * i + 1).payload, "0 bytes");
    }
    return 2 * count - 1;
  }
  static std::uint32_t last_words(Http2Served& served) {
    return served.hear(NGHTTP2_GOAWAY).number(4);
  }

  base::Loop loop;
};

TEST_F(Http2LateFramesTest, OneAStreamIsNoFlood) {
  Http2Options options;
  options.floods.empty_data = 10;
  Http2Served served(loop, options);
  const auto last = many_streams(served, 30);
  for (std::int32_t stream = 1; stream <= last; stream += 2) {
    served.say(data_text(stream, "", stream % 4 == 1));
  }
  served.say(get_text(last + 2));
  EXPECT_EQ(served.hear(NGHTTP2_HEADERS).status, "200");
}

TEST_F(Http2LateFramesTest, ManyEmptyOnesAreAFlood) {
  Http2Options options;
  options.floods.empty_data = 10;
  Http2Served served(loop, options);
  many_streams(served, 1);
  std::string flood;
  for (int i = 0; i < 20; ++i) flood += data_text(1, "", false);
  served.say(flood);
  EXPECT_EQ(last_words(served), std::uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
}

TEST_F(Http2LateFramesTest, ManyTrailersAreAFlood) {
  Http2Options options;
  options.floods.empty_data = 10;
  Http2Served served(loop, options);
  many_streams(served, 1);
  std::string flood;
  for (int i = 0; i < 20; ++i) flood += head_text(1, {{"a", "b"}}, true);
  served.say(flood);
  EXPECT_EQ(last_words(served), std::uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
}

// --- resets over a connection's life ---

// A client's life, in steps of time.
class Life {
 public:
  using Reset = Http2Floods::Reset;

  void wait(std::int64_t milliseconds) { now_ += base::Duration(milliseconds); }
  void well(int count) {
    for (int i = 0; i < count; ++i) floods_.stream_ended_well();
  }
  // How many of `count` resets were borne, one each `apart` milliseconds.
  int resets(Reset kind, int count, std::int64_t apart) {
    for (int i = 0; i < count; ++i) {
      wait(apart);
      if (!floods_.count_reset(kind, now_)) return i;
    }
    return count;
  }

 private:
  Http2Floods floods_ = Http2Floods(Http2FloodLimits());
  base::TimePoint now_ = base::Clock::now();
};

using Reset = Http2Floods::Reset;

TEST(Http2ResetsTest, ASlowRapidResetIsAFloodAfterFifty) {
  Life client;
  EXPECT_EQ(client.resets(Reset::kEarly, 1000, 10), 50);
  Life slower;  // five a second would never empty the bucket
  const int borne = slower.resets(Reset::kEarly, 1000, 200);
  EXPECT_GE(borne, 50);
  EXPECT_LE(borne, 65);
}

TEST(Http2ResetsTest, MoreThanHalfOfAllStreamsAreAFlood) {
  Life client;
  client.well(1000);
  int borne = 0;
  while (client.resets(Reset::kEarly, 2, 100) == 2) {
    borne += 2;
    client.well(1);
  }
  EXPECT_GT(borne, 2000);
  EXPECT_LT(borne, 3000);
}

TEST(Http2ResetsTest, WhoSearchesWhileItTypesIsNone) {
  Life client;
  for (int search = 0; search < 1000; ++search) {
    ASSERT_EQ(client.resets(Reset::kEarly, 8, 200), 8) << search;
    client.well(1);
    client.wait(10'000);
  }
}

TEST(Http2ResetsTest, APageThatIsLeftBehindIsNone) {
  Life client;
  for (int page = 0; page < 1000; ++page) {
    client.well(40);
    ASSERT_EQ(client.resets(Reset::kEarly, 40, 0), 40) << page;
    client.wait(5'000);
  }
}

TEST(Http2ResetsTest, WhoSeeksInAFilmIsNone) {
  Life client;  // each answer had begun: it was work that was wanted
  EXPECT_EQ(client.resets(Reset::kOther, 10'000, 150), 10'000);
}

TEST(Http2ResetsTest, FaultsAreBorneAHundredTimesAndWithGoodStreamsMore) {
  Life client;
  EXPECT_EQ(client.resets(Reset::kFault, 1000, 60'000), 100);
  Life gateway;  // of many clients
  for (int i = 0; i < 1000; ++i) {
    gateway.well(1);
    ASSERT_EQ(gateway.resets(Reset::kFault, 1, 1000), 1);
  }
}

TEST_F(Http2LateFramesTest, ResetsCountMoreBeforeTheAnswerThanBehindIt) {
  Http2Options options;
  options.floods.resets = 20;
  Http2Served served(loop, options);
  std::int32_t stream = 1;
  for (int i = 0; i < 15; ++i, stream += 2) {  // what was answered costs nothing
    served.say(post_text(stream, {}, "/unread"));
    EXPECT_TRUE(served.hear(NGHTTP2_DATA, stream).type == NGHTTP2_DATA);
    served.say(reset_text(stream));
  }
  served.ping();
  std::string flood;
  for (int i = 0; i < 11; ++i, stream += 2) flood += post_text(stream) + reset_text(stream);
  served.say(flood);
  EXPECT_EQ(last_words(served), std::uint32_t{NGHTTP2_ENHANCE_YOUR_CALM});
}

}  // namespace
}  // namespace gatehouse::http::http2_floods_test
