#include "base/endpoint.h"

#include <gtest/gtest.h>

namespace gatehouse::base::endpoint_test {
namespace {

TEST(Endpoint, ReadsIpLiterals) {
  EXPECT_EQ(Endpoint::from_ip("127.0.0.1", 80)->text(), "127.0.0.1:80");
  EXPECT_EQ(Endpoint::from_ip("::1", 443)->text(), "[::1]:443");
  EXPECT_EQ(Endpoint::from_ip("[2001:DB8:0::1]", 1)->text(), "[2001:db8::1]:1");
  EXPECT_EQ(Endpoint::from_ip("::ffff:192.0.2.7", 9)->host(), "192.0.2.7");
  EXPECT_EQ(Endpoint::from_ip("::1", 443)->port(), 443);
}

TEST(Endpoint, RefusesWhatIsNoAddress) {
  for (const char* text : {"", "localhost", "1.2.3", "1.2.3.256", "[127.0.0.1]", "[::1", "::1]",
                           "fe80::1%lo", "1.2.3.4 ", "0x7f.1"}) {
    auto made = Endpoint::from_ip(text, 80);
    ASSERT_FALSE(made) << text;
    EXPECT_EQ(made.error().code, Code::kMalformed) << text;
  }
}

TEST(Endpoint, HoldsUnixPaths) {
  auto made = Endpoint::from_unix("/run/some.sock");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->text(), "unix:/run/some.sock");
  EXPECT_FALSE(made->is_ip());
  EXPECT_TRUE(Endpoint::from_unix(std::string(107, 'a')));
  EXPECT_EQ(Endpoint::from_unix(std::string(108, 'a')).error().code, Code::kTooLarge);
  EXPECT_EQ(Endpoint::from_unix("").error().code, Code::kTooLarge);
}

TEST(Endpoint, ComparesAddressAndPort) {
  EXPECT_EQ(*Endpoint::from_ip("10.0.0.1", 1), *Endpoint::from_ip("10.0.0.1", 1));
  EXPECT_NE(*Endpoint::from_ip("10.0.0.1", 1), *Endpoint::from_ip("10.0.0.1", 2));
  EXPECT_NE(*Endpoint::from_ip("10.0.0.1", 1), *Endpoint::from_ip("::1", 1));
  EXPECT_EQ(Endpoint(), Endpoint());
}

TEST(Endpoint, EmptyOneHasNoText) {
  EXPECT_EQ(Endpoint().host(), "");
  EXPECT_EQ(Endpoint().port(), 0);
  EXPECT_FALSE(Endpoint().is_ip());
}

TEST(IpLiteral, IsToldFromNames) {
  for (const char* text : {"1.2.3.4", "::1", "[::1]", "2001:db8::"}) {
    EXPECT_TRUE(is_ip_literal(text)) << text;
  }
  for (const char* text : {"a.example", "1.2.3", "", "[]", "1.2.3.4.5", "::1:80:x"}) {
    EXPECT_FALSE(is_ip_literal(text)) << text;
  }
}

}  // namespace
}  // namespace gatehouse::base::endpoint_test
