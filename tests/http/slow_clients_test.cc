// Clients that never stall for long, but are slow on average: one second's bytes are asked for in a
// grace of milliseconds, so that no test has to wait.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "http/http2_client.h"
#include "http/http2_server.h"
#include "tests/http/served.h"

namespace gatehouse::http::slow_clients_test {
namespace {

using base::Abuse;
using base::Task;
using ::testing::HasSubstr;
using ::testing::Not;
using ::testing::StartsWith;

const std::string kHalfABody = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nhello";

template <class Options>
Options strict(base::AbuseCounters& abuse) {
  Options options;
  options.least_rate = 1'000'000'000;
  options.rate_grace = base::Duration(30);
  options.abuse = &abuse;
  return options;
}

base::Chunk bytes(std::size_t size) {
  return base::Chunk::copy_of(base::as_bytes(std::string(size, 'x')));
}

// --- HTTP/1.1 ---

Task<void> answer_the_error(ServerStream& stream, Served& served) {
  const bool whole = co_await record(stream, served);
  if (whole) {
    co_await answer(stream, 200, "ok");
  } else {
    co_await answer(stream, 408, "slow");
  }
}

// `last`: what the answer ends with, after which the client leaves.
Task<std::string> say_and_hear(Served& served, std::string text, std::string last) {
  co_await served.peer.say(std::move(text));
  auto heard = co_await served.peer.hear_until(std::move(last));
  served.peer.end();
  (void)co_await served.over.wait();
  co_return heard;
}

TEST(SlowClients, ABodyThatComesTooSlowlyEndsItsConnection) {
  base::Loop loop;
  base::AbuseCounters abuse;
  Served served(loop, strict<Http1ServerOptions>(abuse), answer_the_error);
  const auto heard = run_task(loop, say_and_hear(served, kHalfABody, "slow"));
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 408 "));
  EXPECT_THAT(heard, HasSubstr("Connection: close\r\n"));
  ASSERT_EQ(served.seen.size(), 1u);
  EXPECT_EQ(served.seen[0].error->code, base::Code::kTimeout);
  EXPECT_THAT(served.seen[0].error->detail, HasSubstr("too slowly"));
  EXPECT_EQ(abuse.of(Abuse::kSlowBody), 1u);
}

// Only the stall limit, the long one, ends this one.
TEST(SlowClients, AConversationMayBeAsSlowAsItLikes) {
  base::Loop loop;
  base::AbuseCounters abuse;
  auto options = strict<Http1ServerOptions>(abuse);
  options.rate_grace = base::Duration(1);
  options.stream_idle = base::Duration(60);
  Served served(loop, options, answer_the_error);
  const std::string grpc =
      "POST / HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\nContent-Length: 10\r\n\r\nh";
  (void)run_task(loop, say_and_hear(served, grpc, "slow"));
  ASSERT_TRUE(served.seen.at(0).error);
  EXPECT_THAT(served.seen[0].error->detail, Not(HasSubstr("too slowly")));
}

// Pieces smaller than what the stall limit counts, until the client is too slow.
Task<void> answer_for_ever(ServerStream& stream, Served& served) {
  served.seen.emplace_back();
  ResponseHead head;
  head.body = BodyKind::kUntilClose;
  (void)co_await stream.write_head(head);
  const auto piece = bytes(16 * 1024);
  for (;;) {
    auto written = co_await stream.write(piece);
    if (written) continue;
    served.seen.back().error = written.error();
    break;
  }
  stream.reset(base::Code::kClosed);
}

Task<void> ask_and_never_read(Served& served) {
  co_await served.peer.say("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  (void)co_await served.over.wait();
}

Task<std::string> hear_all(Served& served) { co_return co_await served.peer.hear_all(); }

TEST(SlowClients, AReaderThatTakesTooLittleIsReset) {
  base::Loop loop;
  base::AbuseCounters abuse;
  Served served(loop, strict<Http1ServerOptions>(abuse), answer_for_ever);
  run_task(loop, ask_and_never_read(served));
  ASSERT_TRUE(served.seen.at(0).error);
  EXPECT_EQ(served.seen[0].error->code, base::Code::kTimeout);
  EXPECT_EQ(served.seen[0].error->side, base::Side::kDownstream);
  EXPECT_THAT(served.seen[0].error->detail, HasSubstr("too slowly"));
  EXPECT_EQ(abuse.of(Abuse::kSlowReader), 1u);
  (void)run_task(loop, hear_all(served));
  EXPECT_TRUE(served.peer.was_reset());
}

Task<void> answer_eight_mebibytes(ServerStream& stream, Served&) {
  co_await answer(stream, 200, std::string(8 << 20, 'x') + "end");
}

TEST(SlowClients, AReaderThatReadsGetsAllThoughItIsWaitedFor) {
  base::Loop loop;
  base::AbuseCounters abuse;
  Http1ServerOptions options;
  options.least_rate = 1;
  options.rate_grace = base::Duration(2'000);
  options.abuse = &abuse;
  Served served(loop, options, answer_eight_mebibytes);
  const auto heard =
      run_task(loop, say_and_hear(served, "GET / HTTP/1.1\r\nHost: a\r\n\r\n", "end"));
  EXPECT_GE(heard.size(), std::size_t{8} << 20);
  EXPECT_EQ(abuse.of(Abuse::kSlowReader), 0u);
}

// --- HTTP/2 ---

// Our client and our server on the two ends of one wire.
class Http2House {
 public:
  using Answer = Task<void> (*)(ServerStream&, Http2House&);

  Http2House(base::Loop& loop, const Http2Options& options, Answer answer)
      : client_options_(),
        wire_(loop),
        transport_(std::move(wire_.ours)),
        server_(transport_, options, base::Chunk()),
        client(tls::Transport(std::move(wire_.theirs)), client_options_),
        answer_(answer),
        gate_(loop) {
    gate_.spawn(client.run(), "client");
    gate_.spawn(serve(), "server");
  }

 private:
  Http2Options client_options_;
  Wire wire_;
  tls::Transport transport_;
  Http2Server server_;

 public:
  Task<void> end() {
    client.close();
    (void)co_await gate_.close();
  }
  Http2Client client;
  std::optional<base::Error> error;  // that the server's exchange ended with

 private:
  Task<void> serve() {
    for (;;) {
      auto stream = co_await server_.next();
      if (!stream || *stream == nullptr) break;
      co_await answer_(**stream, *this);
    }
    co_await server_.end();
    transport_.close();
  }

  Answer answer_;
  base::Gate gate_;
};

RequestHead request(std::string_view method, BodyKind body) {
  RequestHead head;
  head.method = method;
  head.target = "/";
  head.authority = "a";
  head.body = body;
  return head;
}

Task<void> read_all(ServerStream& stream, Http2House& house) {
  for (;;) {
    const auto piece = co_await stream.read();
    if (!piece) house.error = piece.error();
    if (!piece || piece->empty()) break;
  }
  const std::uint16_t status = house.error ? 408 : 200;
  co_await answer(stream, status, "");
}

Task<std::uint16_t> post_half(Http2House& house, const char* type) {
  const auto stream = house.client.open();
  auto head = request("POST", BodyKind::kChunked);
  head.fields.add("Content-Type", type);
  (void)co_await stream->send_head(head);
  const auto half = bytes(5);
  (void)co_await stream->write(half);
  (void)co_await stream->flush();
  const auto answered = co_await stream->read_head();
  co_return answered ? answered->status : std::uint16_t{0};
}

TEST(SlowClients, AnHttp2BodyThatComesTooSlowlyEndsItsStream) {
  base::Loop loop;
  base::AbuseCounters abuse;
  Http2House house(loop, strict<Http2Options>(abuse), read_all);
  EXPECT_EQ(run_task(loop, post_half(house, "text/plain")), 408);
  ASSERT_TRUE(house.error);
  EXPECT_EQ(house.error->code, base::Code::kTimeout);
  EXPECT_THAT(house.error->detail, HasSubstr("too slowly"));
  EXPECT_EQ(abuse.of(Abuse::kSlowBody), 1u);
  run_task(loop, house.end());
}

TEST(SlowClients, AnHttp2ConversationMayBeAsSlowAsItLikes) {
  base::Loop loop;
  base::AbuseCounters abuse;
  auto options = strict<Http2Options>(abuse);
  options.rate_grace = base::Duration(1);
  options.stream_idle = base::Duration(60);
  Http2House house(loop, options, read_all);
  EXPECT_EQ(run_task(loop, post_half(house, "application/grpc")), 408);
  ASSERT_TRUE(house.error);
  EXPECT_THAT(house.error->detail, Not(HasSubstr("too slowly")));
  run_task(loop, house.end());
}

Task<void> write_for_ever(ServerStream& stream, Http2House& house) {
  ResponseHead head;
  head.body = BodyKind::kChunked;
  (void)co_await stream.write_head(head);
  const auto piece = bytes(16 * 1024);
  for (;;) {
    auto written = co_await stream.write(piece);
    if (written) continue;
    house.error = written.error();
    break;
  }
  stream.reset(base::Code::kClosed);
}

// The window is as large as what nobody has read.
Task<base::Error> get_and_never_read(Http2House& house) {
  const auto stream = house.client.open();
  const auto head = request("GET", BodyKind::kNone);
  (void)co_await stream->send_head(head);
  const Fields none;
  (void)co_await stream->finish(none);
  (void)co_await stream->read_head();
  while (!house.error) co_await yield();
  for (;;) {
    const auto piece = co_await stream->read();
    if (!piece) co_return piece.error();
    if (piece->empty()) co_return base::Error();
  }
}

TEST(SlowClients, AnHttp2ReaderWhoseWindowStaysShutIsReset) {
  base::Loop loop;
  base::AbuseCounters abuse;
  Http2House house(loop, strict<Http2Options>(abuse), write_for_ever);
  const auto heard = run_task(loop, get_and_never_read(house));
  EXPECT_EQ(heard.code, base::Code::kCancelled);
  EXPECT_EQ(house.error->code, base::Code::kTimeout);
  EXPECT_THAT(house.error->detail, HasSubstr("too slowly"));
  EXPECT_EQ(abuse.of(Abuse::kSlowReader), 1u);
  run_task(loop, house.end());
}

}  // namespace
}  // namespace gatehouse::http::slow_clients_test
