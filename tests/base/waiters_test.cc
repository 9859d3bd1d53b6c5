#include "base/waiters.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "tests/base/on_loop.h"
#include "tests/base/socket_pair.h"

namespace gatehouse::base::waiters_test {
namespace {

using namespace std::chrono_literals;
using Answers = Waiters<std::string>;

// Waits in a task of its own and keeps what came of it.
struct Waiting {
  explicit Waiting(Loop& l) : loop(l) {}
  void start(Answers& waiters, Answers::Id id, Socket& socket, Deadline deadline) {
    loop.spawn(keep(waiters.wait(id, socket, deadline), outcome), "waiter");
    run_ready(loop);
  }
  static Task<void> keep(Task<Result<std::string>> task, std::optional<Result<std::string>>& out) {
    auto result = co_await std::move(task);
    out.emplace(std::move(result));
  }
  Result<std::string>& finish() {
    while (!outcome) loop.run_once();
    return *outcome;
  }
  Loop& loop;
  std::optional<Result<std::string>> outcome;
};

struct Fixture {
  Loop loop;
  SocketPair pair = connected_pair(loop);
  Answers waiters{2};
  Waiting waiting{loop};
};

TEST(Waiters, AnAnswerWakesWhoWaits) {
  Fixture f;
  const auto id = *f.waiters.enter();
  f.waiting.start(f.waiters, id, f.pair.server, Deadline::never());
  EXPECT_FALSE(f.waiting.outcome);
  f.waiters.answer(id, "yes");
  EXPECT_EQ(f.waiting.finish().value(), "yes");
  EXPECT_EQ(f.waiters.count(), 0u);
  EXPECT_TRUE(f.pair.server.is_open());
}

TEST(Waiters, AnAnswerMayComeBeforeTheWait) {
  Fixture f;
  const auto id = *f.waiters.enter();
  f.waiters.answer(id, "early");
  EXPECT_EQ(run(f.loop, f.waiters.wait(id, f.pair.server, Deadline::never())).value(), "early");
}

TEST(Waiters, AnAnswerMayComeFromAnotherThread) {
  Fixture f;
  const auto id = *f.waiters.enter();
  f.waiting.start(f.waiters, id, f.pair.server, Deadline::never());
  std::jthread other([&] { f.loop.post([&f, id] { f.waiters.answer(id, "posted"); }); });
  EXPECT_EQ(f.waiting.finish().value(), "posted");
}

TEST(Waiters, NoticeThatThePeerHasGone) {
  Fixture f;
  const auto id = *f.waiters.enter();
  f.waiting.start(f.waiters, id, f.pair.server, Deadline::never());
  f.pair.client.close();
  EXPECT_EQ(f.waiting.finish().error().code, Code::kClosed);
  EXPECT_EQ(f.waiters.count(), 0u);
  f.waiters.answer(id, "too late");  // dropped
  EXPECT_EQ(f.waiters.count(), 0u);
}

TEST(Waiters, BytesThatComeEarlyAreLeftAlone) {
  Fixture f;
  const auto id = *f.waiters.enter();
  ASSERT_EQ(::send(f.pair.client.native(), "early", 5, 0), 5);
  f.waiting.start(f.waiters, id, f.pair.server, Deadline::never());
  EXPECT_FALSE(f.waiting.outcome);
  f.waiters.answer(id, "yes");
  EXPECT_EQ(f.waiting.finish().value(), "yes");
  char bytes[8];
  EXPECT_EQ(::recv(f.pair.server.native(), bytes, sizeof bytes, 0), 5);
}

TEST(Waiters, NoticeThatThePeerHasGoneBehindEarlyBytes) {
  Fixture f;
  const auto id = *f.waiters.enter();
  ASSERT_EQ(::send(f.pair.client.native(), "early", 5, 0), 5);
  f.waiting.start(f.waiters, id, f.pair.server, Deadline::in(30s));
  f.pair.client.close();
  EXPECT_EQ(f.waiting.finish().error().code, Code::kClosed);
}

TEST(Waiters, GiveUpAtTheDeadlineBehindEarlyBytes) {
  Fixture f;
  const auto id = *f.waiters.enter();
  ASSERT_EQ(::send(f.pair.client.native(), "early", 5, 0), 5);
  f.waiting.start(f.waiters, id, f.pair.server, Deadline::in(1ms));
  EXPECT_EQ(f.waiting.finish().error().code, Code::kTimeout);
}

TEST(Waiters, NoticeABrokenConnectionBehindEarlyBytes) {
  Fixture f;
  const auto id = *f.waiters.enter();
  ASSERT_EQ(::send(f.pair.client.native(), "early", 5, 0), 5);
  f.waiting.start(f.waiters, id, f.pair.server, Deadline::never());
  f.pair.client.close_with_reset();
  EXPECT_EQ(f.waiting.finish().error().code, Code::kReset);
}

TEST(Waiters, GiveUpAtTheDeadline) {
  Fixture f;
  const auto id = *f.waiters.enter();
  f.waiting.start(f.waiters, id, f.pair.server, Deadline::in(1ms));
  EXPECT_EQ(f.waiting.finish().error().code, Code::kTimeout);
}

TEST(Waiters, EndWithTheirSocket) {
  Fixture f;
  const auto id = *f.waiters.enter();
  f.waiting.start(f.waiters, id, f.pair.server, Deadline::never());
  f.pair.server.close();
  EXPECT_EQ(f.waiting.finish().error().code, Code::kCancelled);
}

TEST(Waiters, RefuseMoreThanTheirBound) {
  Fixture f;
  const auto one = *f.waiters.enter();
  ASSERT_TRUE(f.waiters.enter());
  EXPECT_EQ(f.waiters.enter().error().code, Code::kOverload);
  f.waiters.answer(one, "a");
  EXPECT_TRUE(run(f.loop, f.waiters.wait(one, f.pair.server, Deadline::never())));
  EXPECT_TRUE(f.waiters.enter());
}

}  // namespace
}  // namespace gatehouse::base::waiters_test
