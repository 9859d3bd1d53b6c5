#include "base/ip_range.h"

#include <gtest/gtest.h>

namespace gatehouse::base::ip_range_test {
namespace {

bool holds(std::string_view range, std::string_view ip) {
  return IpRange::parse(range).value().contains(*Endpoint::from_ip(ip, 443));
}

TEST(IpRange, HoldsTheAddressesThatBeginWithItsBits) {
  EXPECT_TRUE(holds("10.0.0.0/8", "10.255.1.2"));
  EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
  EXPECT_TRUE(holds("192.0.2.128/25", "192.0.2.255"));
  EXPECT_FALSE(holds("192.0.2.128/25", "192.0.2.127"));
  EXPECT_TRUE(holds("172.16.0.0/12", "172.31.255.255"));
  EXPECT_FALSE(holds("172.16.0.0/12", "172.32.0.0"));
  EXPECT_TRUE(holds("2001:db8::/33", "2001:db8:7fff::1"));
  EXPECT_FALSE(holds("2001:db8::/33", "2001:db8:8000::1"));
}

TEST(IpRange, OneAddressIsARangeToo) {
  EXPECT_TRUE(holds("192.0.2.7", "192.0.2.7"));
  EXPECT_FALSE(holds("192.0.2.7", "192.0.2.6"));
  EXPECT_TRUE(holds("::1", "::1"));
  EXPECT_FALSE(holds("::1", "::"));
}

TEST(IpRange, AnIpv4AddressIsTheSameInsideIpv6) {
  EXPECT_TRUE(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
  EXPECT_FALSE(holds("10.0.0.0/8", "::10.1.2.3"));
  EXPECT_TRUE(holds("::ffff:10.1.2.3", "10.1.2.3"));
}

TEST(IpRange, EveryAddressOfAKindIsNotEveryAddress) {
  EXPECT_TRUE(holds("0.0.0.0/0", "203.0.113.1"));
  EXPECT_FALSE(holds("0.0.0.0/0", "2001:db8::1"));
  EXPECT_TRUE(holds("::/0", "2001:db8::1"));
}

TEST(IpRange, AUnixSocketIsInNone) {
  EXPECT_FALSE(IpRange::parse("::/0")->contains(*Endpoint::from_unix("/run/x")));
  EXPECT_FALSE(IpRange::parse("::/0")->contains(Endpoint()));
}

TEST(IpRange, SaysWhatIsNoRange) {
  for (const auto* text : {"", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/+8", "10.0.0.0/8 ", "10/8",
                           "::/129", "[::1]", "localhost", "10.0.0.0/8/8", "10.0.0.0/-1"}) {
    EXPECT_FALSE(IpRange::parse(text)) << text;
  }
  const auto wrong = IpRange::parse("10.1.0.0/8");
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().detail,
            "\"10.1.0.0/8\" has bits behind its prefix; the range is 10.0.0.0/8");
}

TEST(IpRange, IsWrittenAsItIsRead) {
  for (const auto* text : {"10.0.0.0/8", "192.0.2.1/32", "2001:db8::/32", "::/0", "0.0.0.0/0"}) {
    EXPECT_EQ(IpRange::parse(text)->text(), text);
  }
}

TEST(IpRanges, HoldWhatOneOfThemHolds) {
  const std::array ranges{*IpRange::parse("10.0.0.0/8"), *IpRange::parse("fd00::/8")};
  EXPECT_TRUE(contains(ranges, *Endpoint::from_ip("10.9.9.9", 1)));
  EXPECT_TRUE(contains(ranges, *Endpoint::from_ip("fd12::1", 1)));
  EXPECT_FALSE(contains(ranges, *Endpoint::from_ip("192.0.2.1", 1)));
  EXPECT_FALSE(contains({}, *Endpoint::from_ip("192.0.2.1", 1)));
}

}  // namespace
}  // namespace gatehouse::base::ip_range_test
