#include "base/socket.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <thread>

#include "tests/base/on_loop.h"
#include "tests/base/socket_pair.h"

namespace gatehouse::base::socket_test {
namespace {

using namespace std::chrono_literals;

TEST(Socket, ConnectsAndAccepts) {
  Loop loop;
  auto pair = connected_pair(loop);
  EXPECT_EQ(pair.client.peer(), pair.server.local());
  EXPECT_EQ(pair.server.peer(), pair.client.local());
  EXPECT_EQ(pair.server.peer().host(), "127.0.0.1");
}

TEST(Socket, KnowsWhatTheOtherSideHasNotTaken) {
  Loop loop;
  auto pair = connected_pair(loop);
  EXPECT_EQ(pair.client.unacknowledged(), 0u);
  const int small = 4096;
  ::setsockopt(pair.server.native(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  const std::string much(1 << 20, 'x');
  const auto sent = ::send(pair.client.native(), much.data(), much.size(), MSG_NOSIGNAL);
  ASSERT_GT(sent, 0);
  EXPECT_LE(pair.client.unacknowledged(), static_cast<std::uint64_t>(sent));
  EXPECT_GT(pair.client.unacknowledged(), 0u);
}

TEST(Socket, TheKernelIsToldForHowLongNothingNeedBeAcknowledged) {
  Loop loop;
  auto pair = connected_pair(loop);
  pair.client.limit_unacknowledged(Duration(60'000));
  unsigned limit = 0;
  socklen_t length = sizeof limit;
  ::getsockopt(pair.client.native(), IPPROTO_TCP, TCP_USER_TIMEOUT, &limit, &length);
  EXPECT_EQ(limit, 60'000u);
}

TEST(Socket, ReportsThatNobodyListens) {
  Loop loop;
  auto listener = listen_on_loopback(loop);
  const auto gone = listener.local();
  listener.close();
  auto made = run(loop, connect(loop, gone, Deadline::never()));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().code, Code::kRefused);
  EXPECT_EQ(made.error().side, Side::kUpstream);
  EXPECT_EQ(made.error().retry, Retry::kYes);
  EXPECT_NE(made.error().detail.find(gone.text()), std::string::npos);
}

TEST(Socket, GivesUpConnectingAtTheDeadline) {
  Loop loop;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  Socket listener(loop, fd);
  const auto any_port = *Endpoint::from_ip("127.0.0.1", 0);
  ASSERT_EQ(::bind(fd, any_port.address(), any_port.length()), 0);
  ASSERT_EQ(::listen(fd, 0), 0);
  // Nobody accepts: soon the kernel drops what comes.
  std::vector<Socket> queued;
  Code last = Code::kInternal;
  for (int i = 0; i < 10 && last != Code::kTimeout; ++i) {
    auto made = run(loop, connect(loop, listener.local(), Deadline::in(100ms)));
    if (made) {
      queued.push_back(std::move(*made));
    } else {
      last = made.error().code;
    }
  }
  EXPECT_EQ(last, Code::kTimeout);
}

TEST(Socket, WaitsUntilBytesCome) {
  Loop loop;
  auto pair = connected_pair(loop);
  bool readable = false;
  auto wait = [](Socket& socket, bool& out) -> Task<void> {
    auto waited = co_await socket.wait_readable(Deadline::never());
    out = waited.has_value();
  };
  loop.spawn(wait(pair.server, readable), "reader");
  run_ready(loop);
  EXPECT_FALSE(readable);
  ASSERT_EQ(::send(pair.client.native(), "x", 1, 0), 1);
  while (!readable) loop.run_once();
  EXPECT_TRUE(readable);
}

TEST(Socket, ReportsSilenceAtTheDeadline) {
  Loop loop;
  auto pair = connected_pair(loop);
  auto waited = run(loop, pair.server.wait_readable(Deadline::in(1ms)));
  ASSERT_FALSE(waited);
  EXPECT_EQ(waited.error().code, Code::kTimeout);
  ASSERT_TRUE(pair.server.is_open());
  EXPECT_TRUE(run(loop, pair.server.wait_writable(Deadline::in(10s))));
}

Task<void> note_error(Task<Result<void>> task, Code& out) {
  auto result = co_await std::move(task);
  out = result ? Code::kInternal : result.error().code;
}

TEST(Socket, ADeadlineOfOneDirectionDoesNotEndTheOther) {
  Loop loop;
  auto pair = connected_pair(loop);
  std::string fill(1 << 20, 'x');
  while (::send(pair.client.native(), fill.data(), fill.size(), MSG_DONTWAIT) > 0) {
  }
  Code writer = Code::kInternal;
  bool ended = false;
  auto write = [](Socket& socket, bool& out, Code& code) -> Task<void> {
    co_await note_error(socket.wait_writable(Deadline::never()), code);
    out = true;
  };
  loop.spawn(write(pair.client, ended, writer), "writer");
  auto read = run(loop, pair.client.wait_readable(Deadline::in(1ms)));
  EXPECT_EQ(read.error().code, Code::kTimeout);
  run_ready(loop);
  EXPECT_FALSE(ended);
  pair.client.close();
  run_ready(loop);
  EXPECT_TRUE(ended);
  EXPECT_EQ(writer, Code::kCancelled);
}

Task<void> own_and_wait(Socket socket, bool& ended) {
  (void)co_await socket.wait_readable(Deadline::in(1h));
  ended = true;
}

TEST(Socket, MayBeOwnedByATaskThatDiesWithItsLoop) {
  bool ended = false;
  int other = -1;
  {
    Loop loop;
    auto pair = connected_pair(loop);
    other = ::dup(pair.client.native());
    loop.spawn(own_and_wait(std::move(pair.server), ended), "owner");
    run_ready(loop);
    pair.client.close();
  }
  EXPECT_FALSE(ended);
  char byte = 0;
  EXPECT_EQ(::recv(other, &byte, 1, 0), 0) << "the task's socket was closed with it";
  ::close(other);
}

TEST(Socket, InterruptWakesWhoWaitsNowOnly) {
  Loop loop;
  auto pair = connected_pair(loop);
  Code code = Code::kInternal;
  loop.spawn(note_error(pair.server.wait_readable(Deadline::never()), code), "reader");
  run_ready(loop);
  pair.server.interrupt();
  run_ready(loop);
  EXPECT_EQ(code, Code::kCancelled);
  ASSERT_EQ(::send(pair.client.native(), "x", 1, 0), 1);
  EXPECT_TRUE(run(loop, pair.server.wait_readable(Deadline::in(10s))));
}

TEST(Socket, CloseWakesWhoWaitsAndRefusesLaterWaits) {
  Loop loop;
  auto pair = connected_pair(loop);
  Code code = Code::kInternal;
  loop.spawn(note_error(pair.server.wait_readable(Deadline::never()), code), "reader");
  run_ready(loop);
  pair.server.close();
  pair.server.close();
  run_ready(loop);
  EXPECT_EQ(code, Code::kCancelled);
  auto later = run(loop, pair.server.wait_readable(Deadline::never()));
  EXPECT_EQ(later.error().code, Code::kCancelled);
  EXPECT_EQ(pair.server.peer(), Endpoint());
}

TEST(Socket, HalfCloseEndsOneDirection) {
  Loop loop;
  auto pair = connected_pair(loop);
  pair.client.shutdown_send();
  ASSERT_TRUE(run(loop, pair.server.wait_readable(Deadline::in(10s))));
  char byte = 0;
  EXPECT_EQ(::recv(pair.server.native(), &byte, 1, 0), 0);
  ASSERT_EQ(::send(pair.server.native(), "y", 1, 0), 1);
  ASSERT_TRUE(run(loop, pair.client.wait_readable(Deadline::in(10s))));
  EXPECT_EQ(::recv(pair.client.native(), &byte, 1, 0), 1);
}

TEST(Socket, CloseWithResetBreaksThePeersConnection) {
  Loop loop;
  auto pair = connected_pair(loop);
  auto waited = run_with(
      loop,
      [](Socket& socket) -> Task<void> {
        socket.close_with_reset();
        co_return;
      }(pair.client),
      pair.server.wait_readable(Deadline::in(10s)));
  ASSERT_TRUE(waited);
  char byte = 0;
  EXPECT_EQ(::recv(pair.server.native(), &byte, 1, 0), -1);
  EXPECT_EQ(errno, ECONNRESET);
}

TEST(Socket, WaitForInterruptSeesABrokenConnectionBehindUnreadBytes) {
  Loop loop;
  auto pair = connected_pair(loop);
  ASSERT_EQ(::send(pair.client.native(), "x", 1, 0), 1);
  Code code = Code::kInternal;
  loop.spawn(note_error(pair.server.wait_for_interrupt(Deadline::never()), code), "waiter");
  run_ready(loop);
  EXPECT_EQ(code, Code::kInternal) << "bytes do not wake it";
  pair.client.close_with_reset();
  while (code == Code::kInternal) loop.run_once();
  EXPECT_EQ(code, Code::kReset);
}

TEST(Listener, EndsAcceptWhenItIsClosed) {
  Loop loop;
  auto listener = listen_on_loopback(loop);
  Code code = Code::kInternal;
  auto take = [](Socket& from, Code& out) -> Task<void> {
    auto taken = co_await accept(from);
    if (!taken) out = taken.error().code;
  };
  loop.spawn(take(listener, code), "accept");
  run_ready(loop);
  listener.close();
  run_ready(loop);
  EXPECT_EQ(code, Code::kCancelled);
}

TEST(Listener, WhatItAcceptsHasItsOptionsAndKnowsItsPeer) {
  Loop loop;
  auto fd = listen_on(*Endpoint::from_ip("127.0.0.1", 0), false);
  ASSERT_TRUE(fd);
  Socket listener(loop, *fd);
  listener.limit_unacknowledged(Duration(12'000));
  auto client = run(loop, connect(loop, listener.local(), Deadline::never()));
  ASSERT_TRUE(client);
  Endpoint peer;
  auto taken = run(loop, accept(listener, peer));
  ASSERT_TRUE(taken);
  EXPECT_EQ(peer, client->local());
  const auto option = [&taken](int name) {
    int value = 0;
    socklen_t length = sizeof value;
    ::getsockopt(taken->native(), IPPROTO_TCP, name, &value, &length);
    return value;
  };
  EXPECT_NE(option(TCP_NODELAY), 0);
  EXPECT_EQ(option(TCP_USER_TIMEOUT), 12'000);
}

TEST(Listener, SharesItsAddressWhenAsked) {
  Loop loop;
  auto first = listen_on(*Endpoint::from_ip("127.0.0.1", 0), true);
  ASSERT_TRUE(first);
  Socket one(loop, *first);
  auto second = listen_on(one.local(), true);
  ASSERT_TRUE(second) << second.error().detail;
  Socket two(loop, *second);
  EXPECT_EQ(one.local(), two.local());
}

TEST(Listener, SaysThatAnAddressIsTaken) {
  Loop loop;
  auto holder = listen_on_loopback(loop);
  auto second = listen_on(holder.local(), false);
  ASSERT_FALSE(second);
  EXPECT_NE(second.error().detail.find(holder.local().text()), std::string::npos);
  EXPECT_NE(second.error().detail.find("another process"), std::string::npos);
}

struct Folder {
  Folder() {
    char name[] = "/tmp/gatehouse-socket-XXXXXX";
    path = ::mkdtemp(name);
  }
  ~Folder() { std::filesystem::remove_all(path); }
  std::string path;
};

TEST(Listener, ReplacesAUnixSocketThatNobodyHolds) {
  Loop loop;
  Folder folder;
  const auto at = *Endpoint::from_unix(folder.path + "/s");
  auto old = listen_on(at, false);
  ASSERT_TRUE(old);
  ::close(*old);  // the file stays
  auto fresh = listen_on(at, false);
  ASSERT_TRUE(fresh) << fresh.error().detail;
  Socket listener(loop, *fresh);
  EXPECT_TRUE(run(loop, connect(loop, at, Deadline::in(10s))));
  EXPECT_FALSE(listen_on(at, false)) << "one that answers is left alone";
}

TEST(Listener, LeavesAFileThatIsNoSocketAlone) {
  Folder folder;
  const auto path = folder.path + "/file";
  ::close(::open(path.c_str(), O_CREAT | O_WRONLY, 0600));
  EXPECT_FALSE(listen_on(*Endpoint::from_unix(path), false));
  EXPECT_TRUE(std::filesystem::is_regular_file(path));
}

}  // namespace
}  // namespace gatehouse::base::socket_test
