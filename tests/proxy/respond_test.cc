#include "proxy/respond.h"

#include <gtest/gtest.h>

namespace gatehouse::proxy::respond_test {
namespace {

http::RequestHead head(std::string authority, std::string target) {
  http::RequestHead made;
  made.method = "GET";
  made.authority = std::move(authority);
  made.target = std::move(target);
  return made;
}

TEST(Expand, EveryPlaceholderIsReplaced) {
  const auto request = head("a.example:8443", "/x/y?q=1");
  const Placeholders values{request, "https", "192.0.2.7"};
  EXPECT_EQ(expand("https://{host}{uri}", values), "https://a.example/x/y?q=1");
  EXPECT_EQ(expand("{scheme}://{host}{path}?was={query}&by={method}&ip={client_ip}", values),
            "https://a.example/x/y?was=q=1&by=GET&ip=192.0.2.7");
}

TEST(Expand, ARequestIsNamedByItsId) {
  const auto request = head("a.example", "/");
  const Placeholders values{request, "https", "192.0.2.7", "x-1"};
  EXPECT_EQ(expand("/?id={request_id}", values), "/?id=x-1");
}

TEST(Expand, WhatIsNoPlaceholderStays) {
  const auto request = head("a.example", "/{host}");
  const Placeholders values{request, "http", "192.0.2.7"};
  EXPECT_EQ(expand("/plain", values), "/plain");
  EXPECT_EQ(expand("/open{", values), "/open{");
  EXPECT_EQ(expand("/close}", values), "/close}");
  EXPECT_EQ(expand("{uri}", values), "/{host}") << "values are not expanded again";
}

TEST(Expand, AnIpv6HostKeepsItsBrackets) {
  const auto request = head("[2001:db8::1]:8080", "/");
  const Placeholders values{request, "http", "192.0.2.7"};
  EXPECT_EQ(expand("https://{host}{uri}", values), "https://[2001:db8::1]/");
}

}  // namespace
}  // namespace gatehouse::proxy::respond_test
