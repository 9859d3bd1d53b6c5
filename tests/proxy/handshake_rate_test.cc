#include "proxy/handshake_rate.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

namespace gatehouse::proxy::handshake_rate_test {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr HandshakeRate::Key kKey = {1, 2};
const base::TimePoint kStart(std::chrono::hours(1));

base::Endpoint at(std::string_view ip) { return *base::Endpoint::from_ip(ip, 1234); }

// One of many clients, each with an address of its own.
base::Endpoint stranger(unsigned number) {
  const auto part = [number](unsigned shift) { return std::to_string(number >> shift & 255); };
  return at("11." + part(16) + "." + part(8) + "." + part(0));
}

// How many of `tries` this client may begin at one moment.
unsigned taken(HandshakeRate& rate, const base::Endpoint& peer, base::TimePoint now,
               unsigned tries = 1000) {
  unsigned count = 0;
  for (unsigned i = 0; i < tries; ++i) count += rate.take(peer, now);
  return count;
}

TEST(HandshakeRate, AFewSecondsWorthMayComeAtOnceAndTheRestAtTheRate) {
  HandshakeRate rate(20, {}, kKey);
  const auto client = at("192.0.2.1");
  EXPECT_EQ(taken(rate, client, kStart), 100u);
  EXPECT_EQ(taken(rate, client, kStart + milliseconds(49)), 0u);
  EXPECT_EQ(taken(rate, client, kStart + milliseconds(50)), 1u);
  EXPECT_EQ(taken(rate, client, kStart + seconds(1)), 19u);
  EXPECT_EQ(taken(rate, client, kStart + seconds(60)), 100u) << "no more is saved up";
}

TEST(HandshakeRate, WhatWasRefusedCostsNothing) {
  HandshakeRate rate(1, {}, kKey);
  const auto client = at("192.0.2.1");
  EXPECT_EQ(taken(rate, client, kStart, 100'000), 5u);
  EXPECT_EQ(taken(rate, client, kStart + seconds(1)), 1u);
}

TEST(HandshakeRate, AClientIsAnIpv4AddressOrAnIpv6NetworkOf64Bits) {
  HandshakeRate rate(1, {}, kKey);
  EXPECT_EQ(taken(rate, at("192.0.2.1"), kStart), 5u);
  EXPECT_FALSE(rate.take(at("::ffff:192.0.2.1"), kStart));
  EXPECT_TRUE(rate.take(at("192.0.2.2"), kStart));
  EXPECT_EQ(taken(rate, at("2001:db8::1"), kStart), 5u);
  EXPECT_FALSE(rate.take(at("2001:db8::ffff:2"), kStart));
  EXPECT_TRUE(rate.take(at("2001:db8:0:1::1"), kStart));
}

TEST(HandshakeRate, WhoFloodsIsNotForgottenForTheSakeOfManyOthers) {
  HandshakeRate rate(20, {}, kKey);
  const auto client = at("192.0.2.1");
  EXPECT_EQ(taken(rate, client, kStart), 100u);
  for (unsigned i = 0; i < 50'000; ++i) rate.take(stranger(i), kStart);
  EXPECT_EQ(taken(rate, client, kStart), 0u);
}

TEST(HandshakeRate, HonestClientsComeInBesideThousandsThatFlood) {
  HandshakeRate rate(2, {}, kKey);
  for (unsigned i = 0; i < 5000; ++i) taken(rate, stranger(i), kStart, 11);
  unsigned refused = 0;
  for (unsigned i = 0; i < 5000; ++i) refused += !rate.take(stranger(1'000'000 + i), kStart);
  EXPECT_LT(refused, 50u);
}

TEST(HandshakeRate, ManyClientsWithAFewHandshakesEachFillNothing) {
  HandshakeRate rate(20, {}, kKey);
  for (unsigned i = 0; i < 100'000; ++i) ASSERT_TRUE(rate.take(stranger(i), kStart)) << i;
}

TEST(HandshakeRate, AddressesThatManyShareHaveNoBound) {
  HandshakeRate rate(1, {*base::IpRange::parse("10.0.0.0/8")}, kKey);
  EXPECT_EQ(taken(rate, at("10.0.0.1"), kStart), 1000u);
  EXPECT_EQ(taken(rate, at("192.0.2.1"), kStart), 5u);
}

TEST(HandshakeRate, ZeroIsNoBoundAndTheGreatestOneIsOne) {
  HandshakeRate none(0, {}, kKey);
  EXPECT_EQ(taken(none, at("192.0.2.1"), kStart), 1000u);
  HandshakeRate most(1'000'000'000, {}, kKey);
  EXPECT_EQ(taken(most, at("192.0.2.1"), kStart), 1000u);
}

TEST(HandshakeRate, ThreadsShareOneCount) {
  HandshakeRate rate(1000, {}, kKey);
  std::atomic<unsigned> count = 0;
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([&] { count += taken(rate, at("192.0.2.1"), kStart, 20'000); });
    }
  }
  EXPECT_GE(count, 5000u);
  EXPECT_LE(count, 4 * 5000u) << "at worst each moment's four count as one";
}

TEST(HandshakeRate, WhatOneThreadCountedTheNextOneSees) {
  HandshakeRate rate(1000, {}, kKey);
  unsigned count = 0;
  for (int i = 0; i < 4; ++i) {
    std::jthread([&] { count += taken(rate, at("192.0.2.1"), kStart, 2000); }).join();
  }
  EXPECT_EQ(count, 5000u);
}

}  // namespace
}  // namespace gatehouse::proxy::handshake_rate_test
