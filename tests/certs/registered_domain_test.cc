#include "certs/registered_domain.h"

#include <gtest/gtest.h>

namespace gatehouse::certs::registered_domain_test {
namespace {

struct Case {
  const char* name;
  const char* domain;
};

class RegisteredDomain : public testing::TestWithParam<Case> {};

TEST_P(RegisteredDomain, IsWhatStandsBelowAPublicSuffix) {
  EXPECT_EQ(registered_domain(GetParam().name), GetParam().domain);
}

INSTANTIATE_TEST_SUITE_P(
    Names, RegisteredDomain,
    testing::Values(Case{"example.com", "example.com"}, Case{"a.b.example.com", "example.com"},
                    Case{"*.example.com", "example.com"},
                    Case{"shop.example.co.uk", "example.co.uk"},
                    Case{"a.customer.github.io", "customer.github.io"},
                    Case{"www.xn--85x722f.xn--55qx5d.cn", "xn--85x722f.xn--55qx5d.cn"},
                    // What has none above it stands for itself.
                    Case{"co.uk", "co.uk"}, Case{"a.b.test", "b.test"},
                    Case{"localhost", "localhost"}, Case{"192.0.2.1", "192.0.2.1"},
                    Case{"2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"}));

}  // namespace
}  // namespace gatehouse::certs::registered_domain_test
