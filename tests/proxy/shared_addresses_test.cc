#include "proxy/shared_addresses.h"

#include <gtest/gtest.h>

namespace gatehouse::proxy::shared_addresses_test {
namespace {

bool is_exempt(bool written, std::string_view ip) {
  const std::vector trusted{*base::IpRange::parse("203.0.113.0/24")};
  config::PerClient bound;
  bound.written = written;
  return base::contains(exempt_from(bound, trusted), *base::Endpoint::from_ip(ip, 1234));
}

TEST(SharedAddresses, ADefaultBindsPublicAddressesAlone) {
  for (const auto* ip : {"127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "10.1.2.3",
                         "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1",
                         "100.127.255.255", "169.254.1.1", "fd12:3456::1", "fe80::1"}) {
    EXPECT_TRUE(is_exempt(false, ip)) << ip;
  }
  for (const auto* ip : {"192.0.2.1", "172.15.0.1", "172.32.0.1", "100.63.0.1", "100.128.0.1",
                         "11.0.0.1", "::2", "2001:db8::1", "fec0::1"}) {
    EXPECT_FALSE(is_exempt(false, ip)) << ip;
  }
}

TEST(SharedAddresses, WhatTheUserWroteBindsNeighboursToo) {
  EXPECT_FALSE(is_exempt(true, "127.0.0.1"));
  EXPECT_FALSE(is_exempt(true, "10.1.2.3"));
}

TEST(SharedAddresses, TrustedProxiesSpeakForOthersWhateverIsWritten) {
  for (const bool written : {false, true}) {
    EXPECT_TRUE(is_exempt(written, "203.0.113.5"));
    EXPECT_FALSE(is_exempt(written, "203.0.114.5"));
  }
}

}  // namespace
}  // namespace gatehouse::proxy::shared_addresses_test
