// Answers that are conversations: server-sent events.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/proxy/stage.h"

namespace gatehouse::proxy::event_stream_test {
namespace {

using ::testing::EndsWith;

const std::string kEvents = "/events";

// Asked for events: says one, and the last one when `seen` is set. Asked for anything else: half an
// answer. `gone` is set when the connection ends.
base::Task<void> speak(Origin& on, http::RawPeer& peer, int) {
  for (;;) {
    const auto request = co_await hear_message(peer);
    if (request.empty()) break;
    on.requests.push_back(request);
    if (request.starts_with("GET /events ")) {
      co_await peer.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; charset=utf-8\r\n");
      co_await peer.say("Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n");
      (void)co_await on.seen.wait();
      co_await peer.say("9\r\ndata: 2\n\n\r\n0\r\n\r\n");
    } else {
      co_await peer.say("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nhal");
      (void)co_await on.seen.wait();
      co_await peer.say("f a");
    }
  }
  on.gone.set();
}

class EventStreamTest : public StageTest {
 protected:
  static base::Task<std::string> say_and_hear(Visit& visit, std::string text, std::string mark) {
    co_await visit.peer.say(std::move(text));
    auto heard = co_await visit.peer.hear_until(std::move(mark));
    co_return heard;
  }
  static base::Task<void> wait_for(base::Event& event) { (void)co_await event.wait(); }
  std::string hear(Visit& visit, std::string text, std::string mark) {
    return http::run_task(loop, say_and_hear(visit, std::move(text), std::move(mark)));
  }
};

TEST_F(EventStreamTest, EventsAreNotHeldBackWhileTheUpstreamPauses) {
  Origin origin(loop, speak);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  (void)hear(visit, get(kEvents), "data: 1\n\n");  // for ever, if it were held
  origin.seen.set();
  (void)hear(visit, "", "data: 2\n\n");
}

TEST_F(EventStreamTest, AnEventStreamMaySayNothingForLongerThanOtherAnswers) {
  Origin origin(loop, speak);
  Stage stage(loop, proxy_to({origin.url()}, R"("timeouts": { "body_idle": "20ms" },)"));
  Visit visit(stage);
  (void)hear(visit, get(kEvents), "data: 1\n\n");
  {
    Visit file(stage);  // begun later, and silent for less time
    EXPECT_THAT(file.ask_to_the_end(get("/file")), EndsWith("hal"));
    EXPECT_TRUE(file.peer.was_reset());
  }
  origin.seen.set();
  (void)hear(visit, "", "data: 2\n\n");
}

TEST_F(EventStreamTest, AnEventStreamThatIsSilentForTooLongIsCut) {
  Origin origin(loop, speak);
  Stage stage(loop, proxy_to({origin.url()}, R"("timeouts": { "stream_idle": "20ms" },)"));
  Visit visit(stage);
  EXPECT_THAT(visit.ask_to_the_end(get(kEvents)), EndsWith("data: 1\n\n\r\n"));
  EXPECT_TRUE(visit.peer.was_reset());
  origin.seen.set();
}

class Leaving : public EventStreamTest, public testing::WithParamInterface<bool> {};

TEST_P(Leaving, IsHeardByTheUpstream) {
  Origin origin(loop, [](Origin& on, http::RawPeer& peer, int) -> base::Task<void> {
    (void)co_await hear_message(peer);
    co_await peer.say("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\ndata: 1\n\n");
    (void)co_await peer.hear_all();
    on.gone.set();
  });
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  (void)hear(visit, get(kEvents), "data: 1\n\n");
  if (GetParam()) {
    visit.wire.theirs.close_with_reset();
  } else {
    visit.peer.end();
  }
  http::run_task(loop, wait_for(origin.gone));
  http::run_task(loop, wait_for(visit.over));
}

INSTANTIATE_TEST_SUITE_P(, Leaving, testing::Bool(), [](const auto& by_reset) {
  return std::string(by_reset.param ? "ByReset" : "ByFin");
});

class SentAhead : public EventStreamTest, public testing::WithParamInterface<bool> {};

TEST_P(SentAhead, WaitsForTheStreamsEnd) {
  const bool together = GetParam();
  Origin origin(loop, speak);
  Stage stage(loop, proxy_to({origin.url()}));
  Visit visit(stage);
  const auto next = get("/next");
  (void)hear(visit, get(kEvents) + (together ? next : ""), "data: 1\n\n");
  if (!together) (void)hear(visit, next, "");
  origin.seen.set();
  (void)hear(visit, "", "data: 2\n\n\r\n0\r\n\r\n");
  EXPECT_EQ(body_of(hear(visit, "", "half a")), "half a");
  ASSERT_EQ(origin.requests.size(), 2u);
  // And the connection can be watched again.
  (void)hear(visit, get(kEvents), "data: 1\n\n");
}

INSTANTIATE_TEST_SUITE_P(, SentAhead, testing::Bool(), [](const auto& together) {
  return std::string(together.param ? "Together" : "Apart");
});

}  // namespace
}  // namespace gatehouse::proxy::event_stream_test
