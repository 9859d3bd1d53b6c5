// Forwarding between streams of any protocol: cancels, gRPC's trailers, pieces that pass at once.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/forward.h"
#include "tests/http/wire.h"
#include "tests/proxy/fake_streams.h"

namespace gatehouse::proxy::forward_streams_test {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::Not;

class ForwardStreamsTest : public testing::Test {
 protected:
  ForwardStreamsTest() : down(loop), up(loop), ended_(loop) {
    request.method = "POST";
    request.target = "/";
    request.body = http::BodyKind::kChunked;
    down.request = request;
    down.request.version = http::Version::kHttp2;
  }
  ~ForwardStreamsTest() override {
    settle();
    EXPECT_EQ(base::thrown_tasks(), 0u);
  }

  void start() { loop.spawn(run(), "forward"); }
  // Runs the loop until nothing on it can go on by itself.
  void settle() {
    int idle = 0;
    while (idle < 3) {
      idle = loop.poll() == 0 ? idle + 1 : 0;
    }
  }
  ForwardResult finish() {
    settle();
    EXPECT_TRUE(ended_.is_set()) << "the exchange hangs";
    return result;
  }

  base::Loop loop;
  FakeServerStream down;
  FakeClientStream up;
  http::RequestHead request;
  ForwardResult result;

 private:
  base::Task<void> run() {
    Replay replay;
    Forward forward(loop, down, up, replay, false, base::Duration(0));
    co_await forward.run(request, result);
    ended_.set();
  }
  base::Event ended_;
};

// --- a client that cancels (a deadline of gRPC is a cancel too) ---

TEST_F(ForwardStreamsTest, ACancelWhileTheUpstreamWorksReachesIt) {
  down.body.put("question");
  down.body.end();
  start();
  settle();
  EXPECT_THAT(up.log, ElementsAre("head POST", "write question", "finish"));
  down.cancel();
  const auto how = finish();
  EXPECT_EQ(how.end, ForwardResult::End::kClient);
  EXPECT_EQ(how.error.code, base::Code::kReset);
  EXPECT_THAT(up.log, Contains("reset"));
  EXPECT_FALSE(down.answered());
}

TEST_F(ForwardStreamsTest, ACancelInTheUploadCutsTheRequest) {
  down.body.put("part");
  start();
  settle();
  down.cancel();
  EXPECT_EQ(finish().end, ForwardResult::End::kClient);
  EXPECT_THAT(up.log, Contains("reset"));
  EXPECT_THAT(up.log, Not(Contains("finish"))) << "a cut request is never ended cleanly";
}

TEST_F(ForwardStreamsTest, ACancelInTheAnswerCutsIt) {
  down.body.end();
  up.answer(200);
  up.body.put("one");
  start();
  settle();
  EXPECT_THAT(down.log, Contains("write one"));
  down.cancel();
  EXPECT_EQ(finish().end, ForwardResult::End::kClient);
  EXPECT_THAT(up.log, Contains("reset"));
  EXPECT_THAT(down.log, Not(Contains("finish")));
}

TEST_F(ForwardStreamsTest, ARequestThatWasCancelledBeforeIsNotSent) {
  down.cancel();
  start();
  EXPECT_EQ(finish().end, ForwardResult::End::kClient);
  EXPECT_THAT(up.log, Not(Contains("head POST")));
}

TEST_F(ForwardStreamsTest, ACancelWhileContinueIsAwaitedEndsTheWait) {
  request.expect_continue = true;
  start();
  settle();
  EXPECT_THAT(up.log, ElementsAre("head POST"));
  down.cancel();
  EXPECT_EQ(finish().end, ForwardResult::End::kClient);
}

TEST_F(ForwardStreamsTest, ACancelOfATunnelCutsIt) {
  request.body = http::BodyKind::kNone;
  request.upgrade = "websocket";
  start();
  up.answer(101);
  up.body.put("hi");
  settle();
  EXPECT_THAT(down.log, ElementsAre("head 101", "flush", "write hi"));
  down.cancel();
  EXPECT_EQ(finish().end, ForwardResult::End::kClient);
  EXPECT_THAT(up.log, Contains("reset"));
}

// --- an upstream that breaks off ---

TEST_F(ForwardStreamsTest, AnAnswerThatIsCutIsResetAndNeverFinished) {
  down.body.end();
  up.answer(200);
  up.body.put("half");
  up.body.fail(base::Error(base::Code::kReset, base::Side::kUpstream, "RST_STREAM"));
  start();
  EXPECT_EQ(finish().end, ForwardResult::End::kUpstream);
  EXPECT_THAT(down.log, Contains("reset reset"));
  EXPECT_THAT(down.log, Not(Contains("finish")));
}

// --- gRPC ---

TEST_F(ForwardStreamsTest, AnAnswerOfTrailersOnlyLeavesInOnePiece) {
  down.body.end();
  up.answer(200, http::BodyKind::kNone);
  start();
  EXPECT_EQ(finish().end, ForwardResult::End::kDone);
  EXPECT_THAT(down.log, ElementsAre("head 200", "finish")) << "no flush: the head ends the stream";
}

TEST_F(ForwardStreamsTest, TrailersPassUnannounced) {
  down.body.end();
  up.answer(200);
  up.body.put("message");
  up.body.end();
  up.trailing.add("grpc-status", "5");
  start();
  EXPECT_EQ(finish().end, ForwardResult::End::kDone);
  EXPECT_THAT(down.log, ElementsAre("head 200", "write message", "finish grpc-status=5"));
}

TEST_F(ForwardStreamsTest, BothDirectionsOfAStreamAreOpenAtOnce) {
  start();
  down.body.put("1?");
  settle();
  up.answer(200);
  up.body.put("1!");
  settle();
  down.body.put("2?");
  settle();
  up.body.put("2!");
  settle();
  EXPECT_THAT(up.log, ElementsAre("head POST", "write 1?", "write 2?"));
  EXPECT_THAT(down.log, ElementsAre("head 200", "write 1!", "flush", "write 2!", "flush"));
  down.body.end();
  settle();
  up.body.end();
  EXPECT_EQ(finish().end, ForwardResult::End::kDone);
  EXPECT_THAT(up.log, Not(Contains("reset")));
}

// --- slow answers ---

TEST_F(ForwardStreamsTest, WhatTheUpstreamSaidIsFlushedBeforeItIsWaitedFor) {
  down.body.end();
  up.answer(200);
  start();
  settle();
  EXPECT_THAT(down.log, ElementsAre("head 200", "flush"));
  up.body.put("data: 1\n\n");
  settle();
  EXPECT_THAT(down.log, ElementsAre("head 200", "flush", "write data: 1\n\n", "flush"));
  up.body.end();
  EXPECT_EQ(finish().end, ForwardResult::End::kDone);
}

// --- Expect: 100-continue ---

TEST_F(ForwardStreamsTest, ABodyThatIsExpectedWaitsForTheUpstreamsWord) {
  request.expect_continue = true;
  down.body.put("large");
  down.body.end();
  start();
  settle();
  EXPECT_THAT(up.log, ElementsAre("head POST"));
  up.answer(100);
  settle();
  EXPECT_THAT(up.log, ElementsAre("head POST", "write large", "finish"));
  EXPECT_THAT(down.log, testing::IsEmpty()) << "the stream says 100 itself when it is read";
  up.answer(200, http::BodyKind::kNone);
  EXPECT_EQ(finish().end, ForwardResult::End::kDone);
}

TEST_F(ForwardStreamsTest, ABodyThatIsRefusedByItsHeadIsNeverRead) {
  request.expect_continue = true;
  down.body.put("large");
  start();
  up.answer(401, http::BodyKind::kNone);
  EXPECT_EQ(finish().end, ForwardResult::End::kDone);
  EXPECT_THAT(up.log, ElementsAre("head POST", "reset"));
  EXPECT_THAT(down.log, ElementsAre("head 401", "finish"));
  EXPECT_EQ(result.request_bytes, 0u);
}

}  // namespace
}  // namespace gatehouse::proxy::forward_streams_test
