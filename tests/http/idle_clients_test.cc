#include "http/idle_clients.h"

#include <gtest/gtest.h>

namespace gatehouse::http::idle_clients_test {
namespace {

constexpr base::Duration kIdle{75'000};

struct Client {
  explicit Client(IdleClients* clients) : place(clients, &Client::let_go, this) {}
  static void let_go(void* self) { static_cast<Client*>(self)->ended = true; }
  IdleClients::Place place;
  bool ended = false;
};

TEST(IdleClients, TheOneThatHasBeenIdleForLongestIsEndedFirst) {
  IdleClients clients([] { return 0.0; });
  Client first(&clients), second(&clients), busy(&clients);
  first.place.enter();
  second.place.enter();
  first.place.leave();  // a request came
  first.place.enter();
  second.place.enter();  // was idle already: that makes it no younger
  EXPECT_EQ(clients.count(), 2u);
  EXPECT_TRUE(clients.end_oldest());
  EXPECT_TRUE(second.ended && !first.ended);
  EXPECT_TRUE(clients.end_oldest());
  EXPECT_TRUE(first.ended);
  EXPECT_FALSE(clients.end_oldest());
  EXPECT_FALSE(busy.ended);
  EXPECT_EQ(clients.count(), 0u);
}

TEST(IdleClients, TheTimeThatTheyAreKeptShrinksAsConnectionsRunShort) {
  double fullness = 0;
  IdleClients clients([&] { return fullness; });
  const auto at = [&](double part) {
    fullness = part;
    return clients.keep_alive(kIdle);
  };
  EXPECT_EQ(at(0.70), kIdle);
  EXPECT_NEAR(static_cast<double>(at(0.825).count()), 40'000, 1);
  EXPECT_EQ(at(0.95), IdleClients::kLeast);
  EXPECT_EQ(at(1.00), IdleClients::kLeast);
  EXPECT_EQ(clients.keep_alive(base::Duration(0)), base::Duration(0)) << "for ever";
  EXPECT_EQ(clients.keep_alive(base::Duration(100)), base::Duration(100));
}

TEST(IdleClients, OneThatDiesLeaves) {
  IdleClients clients([] { return 1.0; });
  {
    Client gone(&clients);
    gone.place.enter();
  }
  EXPECT_EQ(clients.count(), 0u);
  EXPECT_FALSE(clients.end_oldest());
  Client alone(nullptr);
  alone.place.enter();
  EXPECT_EQ(alone.place.keep_alive(kIdle), kIdle);
}

}  // namespace
}  // namespace gatehouse::http::idle_clients_test
