#include "http/client.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>

#include "tests/http/served.h"

namespace gatehouse::http::client_test {
namespace {

using base::Code;
using base::Task;
using ::testing::HasSubstr;

// An origin on a loopback port that serves every connection with one handler.
class Origin {
 public:
  Origin(base::Loop& loop, Task<bool> (*handler)(ServerStream&, Origin&))
      : loop_(loop),
        handler_(handler),
        fd_(listen_on_loopback()),
        port(port_of(fd_)),
        listener_(loop, fd_) {
    loop.spawn(accept_all(), "origin");
  }

  std::string url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(port) + std::string(path);
  }

  int connections = 0;
  std::vector<Seen> seen;
  std::list<tls::Transport> transports;

 private:
  base::Loop& loop_;
  Task<bool> (*handler_)(ServerStream&, Origin&);
  int fd_;

 public:
  const std::uint16_t port;

 private:
  Task<void> accept_all() {
    while (true) {
      auto socket = co_await base::accept(listener_);
      if (!socket) co_return;
      ++connections;
      transports.emplace_back(std::move(*socket));
      loop_.spawn(serve(transports.back()), "origin connection");
    }
  }

  Task<void> serve(tls::Transport& transport) {
    Http1Server server(transport, Http1ServerOptions());
    while (true) {
      auto next = co_await server.next();
      if (!next || *next == nullptr) break;
      const bool goes_on = co_await handler_(**next, *this);
      if (!goes_on) break;
    }
    transport.close();
  }

  base::Socket listener_;
};

Task<bool> remember(ServerStream& stream, Origin& origin) {
  origin.seen.emplace_back();
  origin.seen.back().head = stream.head();
  while (true) {
    const auto piece = co_await stream.read();
    if (!piece) co_return false;
    if (piece->empty()) co_return true;
    origin.seen.back().body += base::as_text(piece->bytes());
  }
}

Task<bool> answer_path(ServerStream& stream, Origin& origin) {
  const bool whole = co_await remember(stream, origin);
  if (!whole) co_return false;
  std::string text = "you asked for " + std::string(stream.head().target);
  co_await answer(stream, 201, std::move(text));
  co_return true;
}

struct Fixture {
  Fixture()
      : context(*tls::ClientContext::make(tls_options())),
        client(loop, resolver, *context, "gatehouse-test", 1000) {}
  ~Fixture() { resolver.join(); }

  static tls::ClientOptions tls_options() {
    tls::ClientOptions options;
    options.system_roots = false;
    return options;
  }

  base::Result<ClientResponse> send(ClientRequest request, base::Duration within) {
    return run_task(loop, send_within(std::move(request), within));
  }
  Task<base::Result<ClientResponse>> send_within(ClientRequest request, base::Duration within) {
    return client.send(std::move(request), base::Deadline::in(within));
  }

  base::Loop loop;
  base::Resolver resolver;
  std::unique_ptr<tls::ClientContext> context;
  Client client;
};

constexpr base::Duration kLong{20'000};

TEST(ClientTest, SendsOneRequestAndReturnsTheWholeAnswer) {
  Fixture f;
  Origin origin(f.loop, answer_path);
  ClientRequest request("POST", origin.url("/a?b"));
  request.body = "question";
  request.fields.add("Content-Type", "text/x");
  const auto response = f.send(std::move(request), kLong);
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->status, 201);
  EXPECT_EQ(response->body, "you asked for /a?b");
  ASSERT_EQ(origin.seen.size(), 1u);
  const auto& seen = origin.seen[0];
  EXPECT_EQ(seen.head.method, "POST");
  EXPECT_EQ(std::string(seen.head.authority), "127.0.0.1:" + std::to_string(origin.port));
  EXPECT_EQ(*seen.head.fields.find("User-Agent"), "gatehouse-test");
  EXPECT_EQ(*seen.head.fields.find("Content-Type"), "text/x");
  EXPECT_EQ(seen.body, "question");
}

TEST(ClientTest, ReusesItsConnection) {
  Fixture f;
  Origin origin(f.loop, answer_path);
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(f.send(ClientRequest("GET", origin.url("/")), kLong));
  EXPECT_EQ(origin.connections, 1);
  f.client.close_idle();
  ASSERT_TRUE(f.send(ClientRequest("GET", origin.url("/")), kLong));
  EXPECT_EQ(origin.connections, 2);
}

TEST(ClientTest, HeadHasNoBody) {
  Fixture f;
  Origin origin(f.loop, answer_path);
  const auto response = f.send(ClientRequest("HEAD", origin.url("/")), kLong);
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->body, "");
  ASSERT_TRUE(f.send(ClientRequest("GET", origin.url("/")), kLong));
  EXPECT_EQ(origin.connections, 1);
}

// Answers the first request of a connection, and leaves when the second has come.
Task<bool> answer_once(ServerStream& stream, Origin& origin) {
  const bool whole = co_await remember(stream, origin);
  const auto n = static_cast<int>(origin.seen.size());
  if (!whole || (n == 2 && origin.connections == 1)) {
    stream.reset(base::Code::kClosed);
    co_return false;
  }
  co_await answer(stream, 200, "ok");
  co_return true;
}

TEST(ClientTest, AConnectionThatWentStaleIsReplacedUnseen) {
  Fixture f;
  Origin origin(f.loop, answer_once);
  ASSERT_TRUE(f.send(ClientRequest("GET", origin.url("/")), kLong));
  ClientRequest second("POST", origin.url("/"));
  second.body = "again";
  const auto response = f.send(std::move(second), kLong);
  ASSERT_TRUE(response) << response.error().detail;
  EXPECT_EQ(response->body, "ok");
  EXPECT_EQ(origin.connections, 2);
  EXPECT_EQ(origin.seen.back().body, "again");
}

Task<bool> leave(ServerStream& stream, Origin& origin) {
  (void)co_await remember(stream, origin);
  stream.reset(base::Code::kClosed);
  co_return false;
}

TEST(ClientTest, ACloseOnANewConnectionIsAnErrorThatNamesTheUrl) {
  Fixture f;
  Origin origin(f.loop, leave);
  const auto response = f.send(ClientRequest("GET", origin.url("/x")), kLong);
  ASSERT_FALSE(response);
  EXPECT_EQ(origin.connections, 1);
  EXPECT_THAT(response.error().detail, HasSubstr(origin.url("/x")));
}

Task<bool> never_answer(ServerStream& stream, Origin& origin) {
  (void)co_await remember(stream, origin);
  base::Event never(origin.transports.back().socket().loop());
  (void)co_await never.wait();
  (void)stream;
  co_return false;
}

TEST(ClientTest, SilenceEndsAtTheDeadline) {
  Fixture f;
  Origin origin(f.loop, never_answer);
  const auto response = f.send(ClientRequest("GET", origin.url("/")), base::Duration(100));
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kTimeout);
}

Task<bool> answer_at_length(ServerStream& stream, Origin& origin) {
  const bool whole = co_await remember(stream, origin);
  if (whole) co_await answer(stream, 200, std::string(1001, 'x'));
  co_return whole;
}

TEST(ClientTest, AnswersOverTheLimitAreRefused) {
  Fixture f;
  Origin origin(f.loop, answer_at_length);
  const auto response = f.send(ClientRequest("GET", origin.url("/")), kLong);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kTooLarge);
}

TEST(ClientTest, RefusedConnectionsNameTheUrlAndMayBeRetried) {
  Fixture f;
  const int fd = listen_on_loopback();
  const auto url = "http://127.0.0.1:" + std::to_string(port_of(fd)) + "/";
  ::close(fd);
  const auto response = f.send(ClientRequest("GET", url), kLong);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kRefused);
  EXPECT_EQ(response.error().retry, base::Retry::kYes);
  EXPECT_THAT(response.error().detail, HasSubstr(url));
}

TEST(ClientTest, BadUrlsAreRefused) {
  Fixture f;
  const auto response = f.send(ClientRequest("GET", "gopher://a/"), kLong);
  ASSERT_FALSE(response);
  EXPECT_EQ(response.error().code, Code::kMalformed);
}

}  // namespace
}  // namespace gatehouse::http::client_test
