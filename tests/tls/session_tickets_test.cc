#include "tls/session_tickets.h"

#include <gtest/gtest.h>

#include <atomic>

#include "tests/tls/tls_server.h"

namespace gatehouse::tls::session_tickets_test {
namespace {

base::Task<base::Result<void>> serve(Transport& transport, ServerContext& context,
                                     CertificateRef certificate, bool challenge, bool& resumed) {
  auto hello = co_await transport.client_hello(context, soon());
  if (!hello) co_return base::fail(std::move(hello.error()));
  auto done = co_await transport.handshake(certificate, challenge, soon());
  if (!done) co_return done;
  resumed = transport.resumed();
  const base::Bytes word = base::as_bytes("x");
  co_return co_await transport.write(std::span(&word, 1), soon());
}

// Connects once; returns what the client keeps for the next time.
struct Visit {
  bssl::UniquePtr<SSL_SESSION> session;
  bool resumed = false;
};

struct House : TlsServer {
  CertificateRef certificate = ca.certificate({"a.example", "b.example"});
  std::unique_ptr<ServerContext> other_worker = ServerContext::make({}, tickets).value();

  Visit visit(RawOptions options, SSL_SESSION* session, ServerContext& at, bool challenge = false) {
    options.session = session;
    Visit visit;
    bool server_resumed = false;
    const auto serve_one = [&](Transport& transport) {
      return serve(transport, at, certificate, challenge, server_resumed);
    };
    const auto done = with_client(options, serve_one, [&](RawClient& client) {
      client.handshake();
      client.read();
      visit.session = client.session();
      visit.resumed = client.resumed();
    });
    EXPECT_TRUE(done) << done.error().detail;
    EXPECT_EQ(visit.resumed, server_resumed);
    return visit;
  }
  Visit visit(const RawOptions& options, SSL_SESSION* session = nullptr) {
    return visit(options, session, *context);
  }
};

class Resumption : public testing::TestWithParam<int> {
 protected:
  RawOptions options() const {
    RawOptions made;
    made.highest = static_cast<std::uint16_t>(GetParam());
    return made;
  }
  House house;
};

TEST_P(Resumption, WorksOnEachWorker) {
  auto first = house.visit(options());
  EXPECT_FALSE(first.resumed);
  ASSERT_TRUE(first.session);
  EXPECT_TRUE(house.visit(options(), first.session.get()).resumed);
  EXPECT_TRUE(house.visit(options(), first.session.get(), *house.other_worker).resumed);
}

TEST_P(Resumption, SurvivesRotationsWhileTheKeyIsKept) {
  auto first = house.visit(options());
  for (std::size_t i = 1; i < SessionTickets::kKept; ++i) {
    house.tickets.rotate();
    EXPECT_TRUE(house.visit(options(), first.session.get()).resumed) << i;
  }
  house.tickets.rotate();
  EXPECT_FALSE(house.visit(options(), first.session.get()).resumed);
}

TEST_P(Resumption, RenewsTicketsOfOldKeys) {
  auto first = house.visit(options());
  house.tickets.rotate();
  auto second = house.visit(options(), first.session.get());
  ASSERT_TRUE(second.resumed);
  ASSERT_TRUE(second.session);
  for (std::size_t i = 1; i < SessionTickets::kKept; ++i) house.tickets.rotate();
  EXPECT_FALSE(house.visit(options(), first.session.get()).resumed);
  EXPECT_TRUE(house.visit(options(), second.session.get()).resumed);
}

TEST_P(Resumption, StaysWithinOneName) {
  auto a = options();
  a.name = "a.example";
  auto b = options();
  b.name = "b.example";
  auto first = house.visit(a);
  EXPECT_FALSE(house.visit(b, first.session.get()).resumed);
  EXPECT_TRUE(house.visit(a, first.session.get()).resumed);
  auto none = options();
  none.name = "";
  EXPECT_FALSE(house.visit(none, first.session.get()).resumed);
}

TEST_P(Resumption, NeverAnswersAChallenge) {
  auto plain = options();
  auto first = house.visit(plain);
  auto challenge = options();
  challenge.alpn = std::string("\x0a") + "acme-tls/1";
  const auto seen = house.visit(challenge, first.session.get(), *house.context, true);
  EXPECT_FALSE(seen.resumed);
  EXPECT_FALSE(seen.session) << "and gives no ticket";
}

TEST_P(Resumption, IgnoresTicketsOfAnotherProcess) {
  auto first = house.visit(options());
  House other;
  EXPECT_FALSE(other.visit(options(), first.session.get()).resumed);
}

INSTANTIATE_TEST_SUITE_P(Versions, Resumption, testing::Values(TLS1_3_VERSION, TLS1_2_VERSION),
                         [](const auto& info) {
                           return info.param == TLS1_3_VERSION ? "Tls13" : "Tls12";
                         });

TEST(SessionTickets, MayBeRotatedWhileWorkersUseThem) {
  House house;
  std::atomic<bool> stop{false};
  std::jthread control([&] {
    while (!stop) house.tickets.rotate();
  });
  for (int i = 0; i < 20; ++i) house.visit(RawOptions());
  stop = true;
}

}  // namespace
}  // namespace gatehouse::tls::session_tickets_test
