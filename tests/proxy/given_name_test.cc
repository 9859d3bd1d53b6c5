#include "proxy/given_name.h"

#include <gtest/gtest.h>

namespace gatehouse::proxy::given_name_test {
namespace {

TEST(GivenName, IsComparedAsConfigurationAndStorageHaveIt) {
  EXPECT_EQ(given_name("Shop.Example"), "shop.example");
  EXPECT_EQ(given_name("shop.example."), "shop.example");
  EXPECT_EQ(given_name("B\u00fccher.example"), "xn--bcher-kva.example");
  EXPECT_EQ(given_name("XN--bcher-KVA.example"), "xn--bcher-kva.example");
  EXPECT_EQ(given_name("*.Shop.example"), "*.shop.example");
  EXPECT_EQ(given_name("0:0:0:0:0:0:0:1"), "::1");
  EXPECT_EQ(given_name("[2001:DB8::1]"), "2001:db8::1");
}

TEST(GivenName, WhatIsNoNameStaysAsItWasGiven) {
  std::string label;  // longer than an A-label can be
  for (int i = 0; i < 70; ++i) label += "\u00fc";
  EXPECT_EQ(given_name(label + ".example"), label + ".example");
  EXPECT_EQ(given_name(""), "");
}

}  // namespace
}  // namespace gatehouse::proxy::given_name_test
