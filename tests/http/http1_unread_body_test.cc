#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/http/served.h"

// What becomes of a body that nobody wanted to the end.
namespace gatehouse::http::http1_unread_body_test {
namespace {

using base::Task;
using ::testing::AllOf;
using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::StartsWith;

const std::string kGet = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

TEST(Http1UnreadBodyTest, SmallOneIsDroppedAndTheConnectionGoesOn) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), answer_unread);
  const std::string post = "POST /1 HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
  (void)run_task(loop, converse(served, post + post + kGet, false));
  EXPECT_EQ(served.seen.size(), 3u);
}

Task<std::string> upload_without_reader(Served& served) {
  co_await served.peer.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000000\r\n\r\n" +
                           std::string(200'000, 'x'));
  auto heard = co_await served.peer.hear_until("unread");
  co_await served.peer.say(std::string(4'800'000, 'x'));
  heard += co_await served.peer.hear_all();
  served.peer.end();
  (void)co_await served.over.wait();
  co_return heard;
}

TEST(Http1UnreadBodyTest, ClientOfALargeOneSeesTheAnswerAndAnOrderlyEnd) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), answer_unread);
  const auto heard = run_task(loop, upload_without_reader(served));
  EXPECT_THAT(heard, AllOf(StartsWith("HTTP/1.1 200"), HasSubstr("Connection: close\r\n"),
                           EndsWith("unread")));
  EXPECT_FALSE(served.peer.was_reset());
}

// Stops whoever reads, once that has to wait.
Task<void> stop(ServerStream& stream) {
  co_await yield();
  stream.stop_reading();
}

Task<void> answer_while_the_body_comes(ServerStream& stream, Served& served) {
  if (served.seen.empty()) served.transport.socket().loop().spawn(stop(stream), "stop");
  (void)co_await record(stream, served);
  co_await answer(stream, 200, "early");
}

Task<std::string> say_the_rest_after_the_answer(Served& served) {
  co_await served.peer.say("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe");
  auto heard = co_await served.peer.hear_until("early");
  co_await served.peer.say("llo" + kGet);
  served.peer.end();
  heard += co_await served.peer.hear_all();
  (void)co_await served.over.wait();
  co_return heard;
}

TEST(Http1UnreadBodyTest, ReaderThatWasStoppedLeavesAConnectionThatGoesOn) {
  base::Loop loop;
  Served served(loop, Http1ServerOptions(), answer_while_the_body_comes);
  const auto heard = run_task(loop, say_the_rest_after_the_answer(served));
  ASSERT_EQ(served.seen.size(), 2u);
  EXPECT_EQ(served.seen[0].body, "he");
  EXPECT_EQ(served.seen[0].error->code, base::Code::kCancelled);
  EXPECT_EQ(served.seen[1].head.method, "GET");
  EXPECT_THAT(heard, EndsWith("early"));
}

}  // namespace
}  // namespace gatehouse::http::http1_unread_body_test
