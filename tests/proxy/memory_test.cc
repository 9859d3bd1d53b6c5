// What a worker does where memory is short: readings are the test's own.
#include <gtest/gtest.h>

#include "tests/proxy/worker_house.h"
#include "tls/x509.h"

namespace gatehouse::proxy::memory_test {
namespace {

constexpr int kInternalError = 80;  // RFC 8446 6.2
constexpr std::uint64_t kLimit = WorkerHouse::kMemory;

config::Config sites(const std::string& proxied = "") {
  return config_of(R"({ "listen": { "https": [":8443"], "http": [":8080"], "proxy_protocol": [)" +
                   proxied +
                   R"(] },
      "tls": { "issuers": [{ "internal": {} }], "on_demand": { "allow": ["*.on.example"] } },
      "sites": [
        { "hosts": ["*.on.example"], "tls": { "on_demand": true }, "respond": { "body": "s\n" } },
        { "hosts": ["plain.example"], "tls": false, "respond": { "body": "p\n" } }] })");
}

const std::string kAsk = "GET / HTTP/1.1\r\nHost: plain.example\r\n\r\n";

// As many connections as are always looked at, and one more; each has begun to say something.
std::vector<std::unique_ptr<PlainClient>> many(WorkerHouse& house, std::string_view begun = "G") {
  std::vector<std::unique_ptr<PlainClient>> clients;
  for (std::uint64_t i = 0; i <= Worker::kAlwaysConnected; ++i) {
    clients.push_back(std::make_unique<PlainClient>(house.http_port));
    clients.back()->say(begun);
  }
  while (house.connections.count() < clients.size()) std::this_thread::yield();
  return clients;
}

TEST(MemoryTest, HandshakesAreRefusedUntilThereIsEnoughAgain) {
  WorkerHouse house(sites());
  house.memory.note(kLimit * 9 / 10);
  {
    auto client = house.secure_client("a.on.example");
    EXPECT_TRUE(client.handshake()) << "few connections can hardly be what fills the memory";
  }
  const auto others = many(house);
  {
    auto client = house.secure_client("a.on.example");
    EXPECT_FALSE(client.handshake());
    EXPECT_EQ(client.alert(), kInternalError);
  }
  EXPECT_EQ(house.abuse.of(base::Abuse::kMemory), 1u);
  house.memory.note(0);
  auto client = house.secure_client("a.on.example");
  EXPECT_TRUE(client.handshake());
}

TEST(MemoryTest, AChallengeIsAnsweredHoweverShortMemoryIs) {
  WorkerHouse house(sites());
  house.memory.note(kLimit);
  const auto others = many(house);
  const auto key = tls::PrivateKey::generate(tls::KeyType::kP256).value();
  const auto answer = tls::challenge_certificate("any.example", "token.thumbprint", key).value();
  ASSERT_TRUE(house.challenges.put_tls_alpn("any.example", answer));
  tls::RawOptions options;
  options.alpn =
      "\x0a"
      "acme-tls/1";
  auto client = house.secure_client("any.example", options);
  EXPECT_TRUE(client.handshake());
}

TEST(MemoryTest, WithoutAnyLeftOnlyThisMachinesConnectionsAreLookedAt) {
  const std::string header = "PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n";
  WorkerHouse house(sites(R"("127.0.0.1")"));
  const auto others = many(house, "P");
  {
    PlainClient client(house.http_port);
    client.say(header + kAsk);
    EXPECT_EQ(body_of(client.hear()), "p\n");
  }
  house.memory.note(kLimit);
  PlainClient client(house.http_port);
  EXPECT_EQ(client.hear_all(), "");
  EXPECT_EQ(house.abuse.of(base::Abuse::kMemory), 1u);

  WorkerHouse direct(sites());
  const auto more = many(direct);
  direct.memory.note(kLimit);
  PlainClient local(direct.http_port);
  local.say(kAsk);
  EXPECT_EQ(body_of(local.hear()), "p\n");
}

TEST(MemoryTest, IdleConnectionsAreEndedAPartAtATime) {
  WorkerHouse house(sites());
  const auto busy = many(house);
  std::vector<std::unique_ptr<PlainClient>> idle;
  for (int i = 0; i < 8; ++i) {
    idle.push_back(std::make_unique<PlainClient>(house.http_port));
    idle.back()->say(kAsk);
    EXPECT_EQ(body_of(idle.back()->hear()), "p\n");
  }
  house.memory.note(kLimit * 95 / 100);
  house.workers.front()->save_memory(true);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(idle[static_cast<std::size_t>(i)]->hear_all(), "");
  EXPECT_EQ(house.abuse.of(base::Abuse::kIdleEnded), 3u);
  for (int i = 3; i < 8; ++i) {
    idle[static_cast<std::size_t>(i)]->say(kAsk);
    EXPECT_EQ(body_of(idle[static_cast<std::size_t>(i)]->hear()), "p\n");
  }
  busy[0]->say(kAsk.substr(1));
  EXPECT_EQ(body_of(busy[0]->hear()), "p\n");
}

}  // namespace
}  // namespace gatehouse::proxy::memory_test
