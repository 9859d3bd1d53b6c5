#include "proxy/worker.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <list>

#include "proxy/health_check.h"
#include "tests/proxy/worker_house.h"
#include "tls/x509.h"

namespace gatehouse::proxy::worker_test {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr int kUnrecognizedName = 112;  // RFC 6066 3
constexpr int kInternalError = 80;

// Names below on.example get a certificate on demand; up.example and up.on.example forward to
// `url`.
config::Config sites(const std::string& more = "", const std::string& url = "http://127.0.0.1:1") {
  return config_of(R"({ "listen": { "https": [":8443"], "http": [":8080"] },
    "tls": { "issuers": [{ "internal": {} }], "on_demand": { "allow": ["*.on.example"] } }, )" +
                   more + R"("sites": [
      { "hosts": ["*.on.example"], "tls": { "on_demand": true }, "respond": { "body": "hello\n" } },
      { "hosts": ["up.example"], "tls": false, "proxy": ")" +
                   url + R"(" },
      { "hosts": ["up.on.example"], "tls": { "on_demand": true }, "proxy": ")" +
                   url + R"(" },
      { "hosts": ["plain.example"], "tls": false, "respond": { "body": "plain\n" } }] })");
}

std::string ask(const std::string& host, const std::string& fields = "") {
  return "GET / HTTP/1.1\r\nHost: " + host + "\r\n" + fields + "\r\n";
}

// An upstream on a thread of its own, which answers when it is told to.
class SlowUpstream {
 public:
  explicit SlowUpstream(std::string text = ok("slow\n"))
      : fd_(http::listen_on_loopback()), port_(http::port_of(fd_)), text_(std::move(text)) {
    int off = 0;
    ::ioctl(fd_, FIONBIO, &off);
    thread_ = std::thread([this] { serve(); });
  }
  ~SlowUpstream() {
    answer();
    thread_.join();
    ::close(fd_);
  }
  std::uint16_t port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  void wait_for_request() { asked_.get_future().get(); }
  void answer() {
    if (!told_) go_on_.set_value();
    told_ = true;
  }

 private:
  void serve() {
    const int client = ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC);
    char bytes[4096];
    std::string head;
    while (head.find("\r\n\r\n") == std::string::npos) {
      const auto got = ::recv(client, bytes, sizeof bytes, 0);
      if (got <= 0) break;
      head.append(bytes, static_cast<std::size_t>(got));
    }
    asked_.set_value();
    go_on_.get_future().get();
    ::send(client, text_.data(), text_.size(), MSG_NOSIGNAL);
    ::close(client);
  }
  int fd_;
  std::uint16_t port_;
  std::string text_;
  std::promise<void> asked_;
  std::promise<void> go_on_;
  bool told_ = false;
  std::thread thread_;
};

// --- handshakes ---

TEST(WorkerTest, ANameWithoutACertificateGetsOneAtItsFirstHandshake) {
  WorkerHouse house(sites());
  for (int i = 0; i < 2; ++i) {
    auto client = house.secure_client("a.on.example");
    ASSERT_TRUE(client.handshake());
    client.write(ask("a.on.example"));
    EXPECT_THAT(client.read(), HasSubstr("hello\n"));
  }
  EXPECT_EQ(house.ca.ordered.size(), 1u);
}

TEST(WorkerTest, NamesThatCannotBeServedGetAnAlertAndNoOrder) {
  WorkerHouse house(sites());
  for (const auto* name : {"", "other.example", "plain.example", "a.b.on.example"}) {
    auto client = house.secure_client(name);
    EXPECT_FALSE(client.handshake());
    EXPECT_EQ(client.alert(), kUnrecognizedName) << name;
  }
  EXPECT_TRUE(house.ca.ordered.empty());
}

TEST(WorkerTest, AnOrderThatFailsIsAnInternalError) {
  WorkerHouse house(sites());
  auto fail = [](certs::FakeCa& ca) -> base::Task<void> {
    ca.fail("the CA said no");
    co_return;
  };
  house.on_control(fail(house.ca));
  auto client = house.secure_client("a.on.example");
  EXPECT_FALSE(client.handshake());
  EXPECT_EQ(client.alert(), kInternalError);
}

TEST(WorkerTest, AnExpiredCertificateIsReplacedBeforeItIsServed) {
  WorkerHouse house(sites());
  const auto key = tls::PrivateKey::generate(tls::KeyType::kP256).value();
  const auto now = base::wall_now();
  const auto old = certs::make_certificate(key, {"a.on.example"}, now - std::chrono::days(9),
                                           now - std::chrono::days(2));
  house.certificates.put({"a.on.example"}, old);
  auto client = house.secure_client("a.on.example");
  EXPECT_TRUE(client.handshake());
  EXPECT_EQ(house.ca.ordered.size(), 1u);
  EXPECT_NE(house.certificates.find("a.on.example"), old);
}

TEST(WorkerTest, AClientThatLeavesWhileItWaitsFreesItsPlaceAndTheOrderEnds) {
  WorkerHouse house(sites());
  auto hold = [](certs::FakeCa& ca) -> base::Task<void> {
    ca.go_on.reset();
    co_return;
  };
  house.on_control(hold(house.ca));
  {
    std::promise<int> connected;
    std::thread leaving([&] {
      const int fd = connect_to(house.https_port);
      tls::RawOptions options;
      options.name = "a.on.example";
      connected.set_value(fd);
      tls::RawClient client(fd, options);
      client.handshake();
    });
    const int fd = connected.get_future().get();
    auto ordered = [](WorkerHouse& in) -> base::Task<void> {
      while (in.ca.ordered.empty()) {
        auto others = in.control.yield();
        co_await others;
      }
    };
    house.on_control(ordered(house));
    EXPECT_EQ(house.waiting.count(), 1u);
    ::shutdown(fd, SHUT_RDWR);
    leaving.join();
  }
  while (house.waiting.count() != 0) std::this_thread::yield();
  auto go_on = [](certs::FakeCa& ca) -> base::Task<void> {
    ca.go_on.set();
    co_return;
  };
  house.on_control(go_on(house.ca));
  while (house.certificates.find("a.on.example") == nullptr) std::this_thread::yield();
  auto client = house.secure_client("a.on.example");
  EXPECT_TRUE(client.handshake());
  EXPECT_EQ(house.ca.ordered.size(), 1u);
}

TEST(WorkerTest, AChallengeIsAnsweredWithItsCertificateAndNothingElse) {
  WorkerHouse house(sites());
  tls::RawOptions options;
  options.alpn =
      "\x0a"
      "acme-tls/1";
  {
    auto early = house.secure_client("any.example", options);
    EXPECT_FALSE(early.handshake());
    EXPECT_EQ(early.alert(), kUnrecognizedName);
  }
  const auto key = tls::PrivateKey::generate(tls::KeyType::kP256).value();
  const auto answer = tls::challenge_certificate("any.example", "token.thumbprint", key).value();
  ASSERT_TRUE(house.challenges.put_tls_alpn("any.example", answer));
  auto client = house.secure_client("any.example", options);
  ASSERT_TRUE(client.handshake());
  EXPECT_EQ(client.alpn(), "acme-tls/1");
  client.write(ask("a.on.example"));
  EXPECT_EQ(client.read(), "") << "no application data on such a connection";
  EXPECT_TRUE(house.ca.ordered.empty());
}

TEST(WorkerTest, PlainHttpOnTheTlsPortIsToldSo) {
  WorkerHouse house(sites());
  PlainClient client(house.https_port);
  client.say(ask("a.on.example"));
  const auto answer = client.hear_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 400 "));
  EXPECT_EQ(std::to_string(body_of(answer).size()), field_of(answer, "Content-Length"));
  EXPECT_FALSE(client.was_reset());
}

TEST(WorkerTest, AHandshakeThatStallsIsEnded) {
  WorkerHouse house(sites(R"("timeouts": { "handshake": "50ms" },)"));
  PlainClient client(house.https_port);
  client.say("\x16\x03\x01");
  EXPECT_EQ(client.hear_all(), "");
}

TEST(WorkerTest, WhoHasSaidAllOverTlsStillHearsTheWholeAnswer) {
  SlowUpstream upstream(ok(std::string(100'000, 'x')));
  WorkerHouse house(sites("", upstream.url()));
  auto client = house.secure_client("up.on.example");
  ASSERT_TRUE(client.handshake());
  client.write(ask("up.on.example"));
  client.finish();
  upstream.wait_for_request();
  upstream.answer();
  std::string heard;
  for (auto piece = client.read(); !piece.empty(); piece = client.read()) heard += piece;
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 200 "));
  EXPECT_EQ(body_of(heard).size(), 100'000u);
  EXPECT_TRUE(client.got_close_notify());
}

// --- bounds ---

TEST(WorkerTest, WhenConnectionsRunShortTheIdleOnesOfAnotherWorkerMakeRoom) {
  WorkerHouse house(sites(R"("limits": { "connections": 20 },)"), 2);
  std::list<PlainClient> idle;
  for (int i = 0; i < 19; ++i) {
    idle.emplace_back(house.last_http_port).say(ask("plain.example"));
    EXPECT_EQ(body_of(idle.back().hear()), "plain\n");
  }
  while (house.workers.back()->idle_clients().count() != 19) std::this_thread::yield();
  PlainClient fresh(house.http_port);
  fresh.say(ask("plain.example"));
  EXPECT_EQ(body_of(fresh.hear()), "plain\n");
  EXPECT_EQ(idle.front().hear_all(), "") << "the one that was idle for longest";
  while (house.connections.count() != 19) std::this_thread::yield();
  idle.back().say(ask("plain.example"));
  EXPECT_EQ(body_of(idle.back().hear()), "plain\n");
  EXPECT_EQ(house.abuse.of(base::Abuse::kIdleEnded), 1u);
}

TEST(WorkerTest, OneClientHasNoMoreConnectionsThanItMay) {
  WorkerHouse house(sites(R"("limits": { "connections_per_client": 2 },)"));
  PlainClient first(house.http_port);
  PlainClient second(house.http_port);
  for (auto* client : {&first, &second}) {
    client->say(ask("plain.example"));
    EXPECT_EQ(body_of(client->hear()), "plain\n");
  }
  {
    PlainClient third(house.http_port);
    third.say(ask("plain.example"));
    EXPECT_EQ(third.hear_all(), "");
  }
  first.close();
  while (house.connections.count() != 1) std::this_thread::yield();
  PlainClient fourth(house.http_port);
  fourth.say(ask("plain.example"));
  EXPECT_EQ(body_of(fourth.hear()), "plain\n");
}

// --- the end ---

TEST(WorkerTest, StoppingEndsIdleConnectionsAtOnceAndLetsRequestsFinish) {
  SlowUpstream upstream;
  WorkerHouse house(sites("", upstream.url()));
  PlainClient idle(house.http_port);
  idle.say(ask("plain.example"));
  EXPECT_EQ(body_of(idle.hear()), "plain\n");
  PlainClient fresh(house.http_port);
  PlainClient silent(house.https_port);
  PlainClient busy(house.http_port);
  busy.say(ask("up.example"));
  upstream.wait_for_request();
  while (house.connections.count() != 4) std::this_thread::yield();

  house.begin_stop(base::Duration(30'000));
  EXPECT_EQ(idle.hear_all(), "");
  EXPECT_EQ(fresh.hear_all(), "");
  EXPECT_EQ(silent.hear_all(), "") << "who never said hello is not waited for";
  upstream.answer();
  const auto answer = busy.hear_all();
  EXPECT_EQ(body_of(answer), "slow\n");
  EXPECT_EQ(field_of(answer, "Connection"), "close");
  house.stop(base::Duration(0));
}

TEST(WorkerTest, WhatDoesNotFinishInTimeIsCut) {
  SlowUpstream upstream;
  WorkerHouse house(sites("", upstream.url()));
  PlainClient busy(house.http_port);
  busy.say(ask("up.example"));
  upstream.wait_for_request();
  auto hold = [](certs::FakeCa& ca) -> base::Task<void> {
    ca.go_on.reset();
    co_return;
  };
  house.on_control(hold(house.ca));
  std::thread waiting([&house] {
    auto client = house.secure_client("a.on.example");
    EXPECT_FALSE(client.handshake());
  });
  while (house.waiting.count() == 0) std::this_thread::yield();
  house.stop(base::Duration(50));
  EXPECT_EQ(busy.hear_all(), "");
  waiting.join();
  auto go_on = [](certs::FakeCa& ca) -> base::Task<void> {
    ca.go_on.set();
    co_return;
  };
  house.on_control(go_on(house.ca));
}

// --- health ---

class HealthTest : public testing::Test {
 protected:
  static config::Config listening(std::uint16_t port, bool tls) {
    config::Config config;
    config::Address address;
    address.port = port;
    (tls ? config.listen.https : config.listen.http).push_back(address);
    return config;
  }
};

TEST_F(HealthTest, ARunningOneIsHealthyOnEitherListener) {
  WorkerHouse house(sites());
  EXPECT_TRUE(check_health(listening(house.http_port, false)));
  EXPECT_TRUE(check_health(listening(house.https_port, true)));
}

TEST_F(HealthTest, SomethingElseThereIsNot) {
  SlowUpstream other("HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n");
  other.answer();
  const auto health = check_health(listening(other.port(), false));
  ASSERT_FALSE(health);
  EXPECT_EQ(health.error().code, base::Code::kMalformed);
}

TEST_F(HealthTest, NobodyThereIsNot) {
  const int fd = http::listen_on_loopback();
  const auto port = http::port_of(fd);
  ::close(fd);
  const auto health = check_health(listening(port, false));
  ASSERT_FALSE(health);
  EXPECT_THAT(health.error().detail, HasSubstr("127.0.0.1:" + std::to_string(port)));
}

}  // namespace
}  // namespace gatehouse::proxy::worker_test
