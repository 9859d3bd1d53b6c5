#include "proxy/upstream.h"

#include <gtest/gtest.h>

#include <array>
#include <set>

#include "proxy/upstreams.h"
#include "tests/proxy/stage.h"

namespace gatehouse::proxy::upstream_test {
namespace {

class UpstreamTest : public StageTest {
 protected:
  UpstreamTest()
      : origin(loop, answer_all),
        upstream(loop, resolver, config::Proxy(), server(), UpstreamOptions()) {}
  ~UpstreamTest() override { http::run_task(loop, upstream.stop()); }

  config::UpstreamServer server() {
    config::UpstreamServer one;
    one.host = "127.0.0.1";
    one.port = origin.port();
    return one;
  }
  static config::Keepalive few(std::size_t connections) {
    config::Keepalive keepalive;
    keepalive.connections = connections;
    return keepalive;
  }
  // A connection that has carried one exchange.
  IdleConnections::Connection used() {
    auto connection = http::run_task(loop, upstream.connect());
    EXPECT_TRUE(connection) << connection.error().detail;
    http::run_task(loop, exchange(**connection));
    return std::move(*connection);
  }
  static base::Task<void> exchange(http::Http1Client& client) {
    http::RequestHead head;
    head.method = "GET";
    head.target = "/";
    head.authority = "a.example";
    const http::Fields none;
    (void)co_await client.send_head(head);
    (void)co_await client.finish(none);
    auto answer = co_await client.read_head();
    EXPECT_TRUE(answer);
    for (;;) {
      auto piece = co_await client.read();
      if (!piece || piece->empty()) break;
    }
  }

  base::Resolver resolver;
  Origin origin;
  Upstream upstream;
};

TEST_F(UpstreamTest, TheConnectionUsedLastIsTakenFirst) {
  auto first = used();
  auto second = used();
  auto* const last = second.get();
  upstream.idle().give_back(std::move(first), "");
  upstream.idle().give_back(std::move(second), "");
  EXPECT_EQ(upstream.idle().count(), 2u);
  EXPECT_EQ(upstream.idle().take().connection.get(), last);
  EXPECT_TRUE(upstream.idle().take().connection);
  EXPECT_FALSE(upstream.idle().take().connection);
}

TEST_F(UpstreamTest, OneThatCannotGoOnIsNotKept) {
  auto connection = used();
  connection->reset();
  upstream.idle().give_back(std::move(connection), "");
  EXPECT_EQ(upstream.idle().count(), 0u);
}

TEST_F(UpstreamTest, IdleConnectionsAreBounded) {
  IdleConnections idle(few(2));
  for (std::size_t i = 0; i < 2 * IdleConnections::kSurge + 3; ++i) idle.give_back(used(), "");
  EXPECT_EQ(idle.count(), 2 * IdleConnections::kSurge);
  idle.close_all();
}

TEST_F(UpstreamTest, AfterABurstNoMoreLieIdleThanTheBoundAllows) {
  IdleConnections idle(few(2));
  for (int i = 0; i < 5; ++i) idle.give_back(used(), "");
  idle.sweep(base::Clock::now());
  EXPECT_EQ(idle.count(), 5u) << "the next burst may come at once";
  idle.sweep(base::Clock::now() + IdleConnections::kSurgeTime);
  EXPECT_EQ(idle.count(), 2u);
  idle.close_all();
}

TEST_F(UpstreamTest, WhereNoneMayLieIdleNoneDoes) {
  IdleConnections idle(few(0));
  idle.give_back(used(), "");
  EXPECT_EQ(idle.count(), 0u);
}

TEST_F(UpstreamTest, AServerThatSaysHowLongItWaitsIsBelieved) {
  upstream.idle().give_back(used(), "timeout=5, max=100");
  EXPECT_EQ(upstream.idle().limit(), base::Duration(4'000));
  upstream.idle().give_back(used(), "timeout=600");
  EXPECT_EQ(upstream.idle().limit(), base::Duration(4'000)) << "once short is short";
  upstream.idle().give_back(used(), "timeout=1");
  EXPECT_EQ(upstream.idle().limit(), IdleConnections::kAtLeast);
}

TEST_F(UpstreamTest, WhatIsNoTimeIsNoHint) {
  for (const auto* text : {"", "max=5", "timeout=", "timeout=-3", "timeout=99999999999"}) {
    upstream.idle().give_back(used(), text);
    EXPECT_EQ(upstream.idle().limit(), config::Keepalive().idle) << text;
  }
}

TEST_F(UpstreamTest, AStaleConnectionTeachesToWaitForLess) {
  upstream.idle().found_stale(base::Duration(8'000));
  EXPECT_EQ(upstream.idle().limit(), base::Duration(6'000));
  upstream.idle().found_stale(base::Duration(100));
  EXPECT_EQ(upstream.idle().limit(), base::Duration(6'000)) << "so young a one was not too old";
}

TEST_F(UpstreamTest, ConnectionsThatTheServerClosedAreSwept) {
  Origin closing(loop, [](Origin& on, http::RawPeer& peer, int number) -> base::Task<void> {
    (void)co_await hear_message(peer);
    co_await peer.say(ok("bye"));
    if (number == 2) on.gone.set();
    if (number == 2) (void)co_await peer.hear_all();
  });
  config::UpstreamServer there;
  there.host = "127.0.0.1";
  there.port = closing.port();
  Upstream one(loop, resolver, config::Proxy(), there, UpstreamOptions());
  for (int i = 0; i < 2; ++i) {
    auto connection = http::run_task(loop, one.connect());
    http::run_task(loop, exchange(**connection));
    one.idle().give_back(std::move(*connection), "");
  }
  EXPECT_EQ(one.idle().count(), 2u);
  one.sweep();
  EXPECT_EQ(one.idle().count(), 1u) << "the one that still stands";
  http::run_task(loop, one.stop());
  EXPECT_EQ(one.idle().count(), 0u);
  http::run_task(loop, closing.end());
}

TEST_F(UpstreamTest, AServerThatCannotBeConnectedIsOutForAWhile) {
  EXPECT_FALSE(upstream.is_out());
  origin.close();
  const auto connection = http::run_task(loop, upstream.connect());
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, base::Code::kRefused);
  EXPECT_EQ(connection.error().retry, base::Retry::kYes);
  EXPECT_EQ(connection.error().side, base::Side::kUpstream);
  EXPECT_TRUE(upstream.is_out());
}

TEST_F(UpstreamTest, NamesAreResolvedAndEveryAddressIsTried) {
  config::UpstreamServer by_name = server();
  by_name.host = "localhost";  // ::1 as well, where nobody listens
  Upstream named(loop, resolver, config::Proxy(), by_name, UpstreamOptions());
  for (int i = 0; i < 3; ++i) {
    const auto connection = http::run_task(loop, named.connect());
    EXPECT_TRUE(connection) << connection.error().detail;
  }
  http::run_task(loop, named.stop());
}

// Takes no connection and refuses none: its queue is full.
class FullListener {
 public:
  FullListener() : listener_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const auto any = *base::Endpoint::from_ip("127.0.0.1", 0);
    EXPECT_EQ(::bind(listener_, any.address(), any.length()), 0);
    EXPECT_EQ(::listen(listener_, 0), 0);
    const auto to = *base::Endpoint::from_ip("127.0.0.1", port());
    for (auto& fd : clients_) {
      fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
      (void)::connect(fd, to.address(), to.length());
    }
  }
  ~FullListener() {
    for (const int fd : clients_) ::close(fd);
    ::close(listener_);
  }
  std::uint16_t port() const { return http::port_of(listener_); }

 private:
  int listener_;
  std::array<int, 4> clients_{};
};

TEST_F(UpstreamTest, NothingIsWaitedForBeyondTheEndOfTheProcess) {
  const FullListener full;
  config::UpstreamServer there;
  there.host = "127.0.0.1";
  there.port = full.port();
  UpstreamOptions options;
  options.connect = base::Duration(3'600'000);
  Upstream silent(loop, resolver, config::Proxy(), there, options);
  silent.limit(base::Deadline::in(base::Duration(20)));
  const auto connection = http::run_task(loop, silent.connect());
  ASSERT_FALSE(connection);
  EXPECT_EQ(connection.error().code, base::Code::kTimeout);
  http::run_task(loop, silent.stop());
}

// --- the choice ---

TEST_F(UpstreamTest, ServersAreChosenAmongThoseThatAreWell) {
  Origin other(loop, answer_all);
  config::Proxy route;
  route.servers = {server(), server()};
  route.servers[1].port = other.port();
  Upstreams all(loop, resolver, UpstreamOptions());
  std::set<Upstream*> chosen;
  for (int i = 0; i < 200; ++i) chosen.insert(all.choose(route, {}));
  EXPECT_EQ(chosen.size(), 2u);

  other.close();
  const auto port = ":" + std::to_string(route.servers[1].port);
  Upstream* const dead =
      *std::ranges::find_if(chosen, [&port](Upstream* one) { return one->name().ends_with(port); });
  EXPECT_FALSE(http::run_task(loop, dead->connect()));
  for (int i = 0; i < 50; ++i) EXPECT_NE(all.choose(route, {}), dead);

  Upstream* const well = all.choose(route, {});
  EXPECT_EQ(all.choose(route, {well}), dead) << "better than none";
  EXPECT_EQ(all.choose(route, {well, dead}), nullptr);
  http::run_task(loop, all.stop());
}

TEST_F(UpstreamTest, AServerIsOneHoweverManyRoutesNameIt) {
  config::Proxy one;
  config::Proxy two;
  one.servers = {server()};
  two.servers = {server()};
  Upstreams all(loop, resolver, UpstreamOptions());
  EXPECT_EQ(all.choose(one, {}), all.choose(two, {}));
  http::run_task(loop, all.stop());
}

TEST_F(UpstreamTest, ConnectionsOfOneKindAreNotTakenForAnother) {
  config::Proxy plain;
  plain.servers = {server()};
  std::vector<config::Proxy> routes(7, plain);
  routes[1].servers[0].scheme = config::UpstreamServer::Scheme::kHttps;
  routes[2].servers[0].scheme = config::UpstreamServer::Scheme::kH2c;
  routes[3].proxy_protocol = 1;
  routes[4].tls.ca_file = "/roots.pem";
  routes[5].tls.server_name = "a.example";
  routes[6].tls.insecure = true;
  Upstreams all(loop, resolver, UpstreamOptions());
  std::set<Upstream*> distinct;
  for (const auto& route : routes) distinct.insert(all.choose(route, {}));
  EXPECT_EQ(distinct.size(), routes.size());
  http::run_task(loop, all.stop());
}

}  // namespace
}  // namespace gatehouse::proxy::upstream_test
