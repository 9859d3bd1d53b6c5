#include "proxy/admission.h"

#include <gtest/gtest.h>

namespace gatehouse::proxy::admission_test {
namespace {

base::Endpoint at(std::string_view ip) { return *base::Endpoint::from_ip(ip, 1234); }

TEST(Admission, ThePlacesInAllAreGivenBack) {
  Admission admission(2, 0);
  {
    const auto first = admission.enter(at("192.0.2.1"));
    const auto second = admission.enter(at("192.0.2.2"));
    EXPECT_TRUE(first && second);
    EXPECT_FALSE(admission.enter(at("192.0.2.3")));
    EXPECT_EQ(admission.count(), 2u);
  }
  EXPECT_EQ(admission.count(), 0u);
  EXPECT_TRUE(admission.enter(at("192.0.2.3")));
}

TEST(Admission, OneClientCannotTakeAllPlaces) {
  Admission admission(0, 2);
  auto first = admission.enter(at("192.0.2.1"));
  const auto second = admission.enter(at("192.0.2.1"));
  EXPECT_FALSE(admission.enter(at("192.0.2.1")));
  EXPECT_FALSE(admission.enter(at("::ffff:192.0.2.1"))) << "the same address, written as IPv6";
  EXPECT_TRUE(admission.enter(at("192.0.2.2")));
  first = Admission::Ticket();
  EXPECT_TRUE(admission.enter(at("192.0.2.1")));
}

TEST(Admission, AnIpv6ClientIsItsNetworkOf64Bits) {
  Admission admission(0, 1);
  const auto first = admission.enter(at("2001:db8::1"));
  EXPECT_TRUE(first);
  EXPECT_FALSE(admission.enter(at("2001:db8::ffff:2")));
  EXPECT_TRUE(admission.enter(at("2001:db8:0:1::1")));
}

TEST(Admission, Ipv4ClientsBehindATranslatorAreNotOne) {
  Admission admission(0, 1);
  const auto first = admission.enter(at("64:ff9b::192.0.2.1"));
  EXPECT_TRUE(first);
  EXPECT_FALSE(admission.enter(at("192.0.2.1")));
  EXPECT_TRUE(admission.enter(at("64:ff9b::192.0.2.2")));
}

TEST(Admission, AddressesThatManyShareHaveNoBoundOfTheirOwn) {
  Admission admission(4, 1, {*base::IpRange::parse("10.0.0.0/8")});
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 3; ++i) tickets.push_back(admission.enter(at("10.0.0.1")));
  tickets.push_back(admission.enter(at("192.0.2.1")));
  for (const auto& ticket : tickets) EXPECT_TRUE(ticket);
  EXPECT_FALSE(admission.enter(at("10.0.0.1"))) << "the bound in all holds for them";
  tickets.erase(tickets.begin());
  EXPECT_FALSE(admission.enter(at("192.0.2.1")));
  EXPECT_TRUE(admission.enter(at("10.0.0.1")));
}

TEST(Admission, AClientThatBecomesKnownLaterCountsFromThenOn) {
  Admission admission(3, 1);
  {
    auto first = admission.enter();
    auto second = admission.enter();
    EXPECT_TRUE(first && second);
    EXPECT_TRUE(first.charge(at("192.0.2.1")));
    EXPECT_FALSE(second.charge(at("192.0.2.1")));
    EXPECT_EQ(admission.count(), 2u);
  }
  EXPECT_EQ(admission.count(), 0u);
  EXPECT_TRUE(admission.enter(at("192.0.2.1")));
}

TEST(Admission, NoBoundsMeanNone) {
  Admission admission(0, 0);
  std::vector<Admission::Ticket> tickets;
  for (int i = 0; i < 10'000; ++i) tickets.push_back(admission.enter(at("192.0.2.1")));
  EXPECT_TRUE(tickets.back());
  EXPECT_EQ(admission.count(), 10'000u);
}

}  // namespace
}  // namespace gatehouse::proxy::admission_test
