#include "proxy/proxy_header.h"

#include <gtest/gtest.h>

namespace gatehouse::proxy::proxy_header_test {
namespace {

base::Endpoint at(std::string_view ip, std::uint16_t port) {
  return *base::Endpoint::from_ip(ip, port);
}

std::string bytes(std::string_view text) { return std::string(text); }

constexpr std::string_view kSignature("\r\n\r\n\0\r\nQUIT\n", 12);

TEST(ProxyHeader, Version1IsALineOfText) {
  EXPECT_EQ(proxy_header(1, at("192.0.2.7", 50000), at("198.51.100.1", 443)),
            "PROXY TCP4 192.0.2.7 198.51.100.1 50000 443\r\n");
  EXPECT_EQ(proxy_header(1, at("2001:db8::7", 1), at("2001:db8::1", 65535)),
            "PROXY TCP6 2001:db8::7 2001:db8::1 1 65535\r\n");
}

TEST(ProxyHeader, Version2IsBinary) {
  const auto v4 = proxy_header(2, at("192.0.2.7", 0x1234), at("198.51.100.1", 443));
  EXPECT_EQ(v4, bytes(kSignature) + bytes({"\x21\x11\x00\x0c\xc0\x00\x02\x07\xc6\x33\x64\x01"
                                           "\x12\x34\x01\xbb",
                                           16}));
  const auto v6 = proxy_header(2, at("2001:db8::7", 1), at("2001:db8::1", 2));
  ASSERT_EQ(v6.size(), 16u + 36u);
  EXPECT_EQ(v6.substr(12, 4), bytes({"\x21\x21\x00\x24", 4}));
  EXPECT_EQ(v6.substr(48), bytes({"\x00\x01\x00\x02", 4}));
}

TEST(ProxyHeader, AnIpv4ClientOfAnIpv6SocketIsIpv4) {
  EXPECT_EQ(proxy_header(1, at("::ffff:192.0.2.7", 5), at("::ffff:198.51.100.1", 6)),
            "PROXY TCP4 192.0.2.7 198.51.100.1 5 6\r\n");
}

TEST(ProxyHeader, OfTwoFamiliesTheIpv4AddressIsMapped) {
  EXPECT_EQ(proxy_header(1, at("192.0.2.7", 5), at("::1", 6)),
            "PROXY TCP6 ::ffff:192.0.2.7 ::1 5 6\r\n");
  EXPECT_EQ(proxy_header(1, at("2001:db8::7", 5), at("198.51.100.1", 6)),
            "PROXY TCP6 2001:db8::7 ::ffff:198.51.100.1 5 6\r\n");
  const auto v2 = proxy_header(2, at("::1", 5), at("192.0.2.7", 6));
  ASSERT_EQ(v2.size(), 16u + 36u);
  EXPECT_EQ(v2.substr(12, 4), bytes({"\x21\x21\x00\x24", 4}));
  EXPECT_EQ(v2.substr(32), bytes({"\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x07"
                                  "\x00\x05\x00\x06",
                                  20}));
}

TEST(ProxyHeader, NothingIsClaimedWhereEitherIsNoIpAddress) {
  const auto path = *base::Endpoint::from_unix("/run/x");
  EXPECT_EQ(proxy_header(1, path, path), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(proxy_header(1, {}, at("::1", 6)), "PROXY UNKNOWN\r\n");
  EXPECT_EQ(proxy_header(2, path, path), bytes(kSignature) + bytes({"\x21\x00\x00\x00", 4}));
}

}  // namespace
}  // namespace gatehouse::proxy::proxy_header_test
