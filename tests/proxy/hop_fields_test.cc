#include "proxy/hop_fields.h"

#include <gtest/gtest.h>

namespace gatehouse::proxy {
namespace {

http::RequestHead request(std::vector<std::pair<std::string, std::string>> fields) {
  http::RequestHead head;
  head.method = "GET";
  head.target = "/";
  head.authority = "a.example:8443";
  for (const auto& [name, value] : fields) head.fields.add(name, value);
  return head;
}

std::string value(const http::Fields& fields, std::string_view name) {
  const auto* found = fields.find(name);
  return found == nullptr ? "(none)" : *found;
}

const Hop kHop{"192.0.2.7", "https"};

TEST(HopFields, WhatSpeaksToTheNextHopIsRemoved) {
  const auto out = forwarded_request(request({{"Connection", "keep-alive, X-Mine"},
                                              {"X-Mine", "1"},
                                              {"Keep-Alive", "timeout=5"},
                                              {"Proxy-Connection", "keep-alive"},
                                              {"Proxy-Authorization", "Basic eDp5"},
                                              {"Upgrade", "websocket"},
                                              {"HTTP2-Settings", "AAMAAABk"},
                                              {"Accept", "*/*"}}),
                                     kHop);
  for (const auto* name : {"Connection", "X-Mine", "Keep-Alive", "Proxy-Connection",
                           "Proxy-Authorization", "Upgrade", "HTTP2-Settings"}) {
    EXPECT_EQ(value(out.fields, name), "(none)") << name;
  }
  EXPECT_EQ(value(out.fields, "Accept"), "*/*");
}

TEST(HopFields, ConnectionCannotTakeAwayWhatAnApplicationReliesOn) {
  const auto out = forwarded_request(request({{"Connection", "Cookie, close, Authorization,,"},
                                              {"Cookie", "a=b"},
                                              {"Authorization", "Bearer x"}}),
                                     kHop);
  EXPECT_EQ(value(out.fields, "Cookie"), "a=b");
  EXPECT_EQ(value(out.fields, "Authorization"), "Bearer x");
}

TEST(HopFields, OfTeOnlyTrailersStays) {
  EXPECT_EQ(value(forwarded_request(request({{"TE", "gzip;q=1, trailers"}}), kHop).fields, "TE"),
            "trailers");
  EXPECT_EQ(value(forwarded_request(request({{"TE", "gzip"}}), kHop).fields, "TE"), "(none)");
}

TEST(HopFields, WhoTheClientIsIsSaidByUsAlone) {
  const auto out = forwarded_request(request({{"X-Forwarded-For", "10.0.0.1"},
                                              {"x-forwarded-proto", "http"},
                                              {"X-Forwarded-Host", "evil.example"},
                                              {"X-Forwarded-Port", "1"},
                                              {"Forwarded", "for=10.0.0.1"},
                                              {"X-Real-IP", "10.0.0.1"},
                                              {"X_Forwarded_For", "10.0.0.1"},
                                              {"X.Real.IP", "10.0.0.1"},
                                              {"X-Forwarded-Fort", "stays"}}),
                                     kHop);
  EXPECT_EQ(out.fields.count("X-Forwarded-For"), 1u);
  EXPECT_EQ(value(out.fields, "X-Forwarded-For"), "192.0.2.7");
  EXPECT_EQ(value(out.fields, "X-Forwarded-Proto"), "https");
  EXPECT_EQ(value(out.fields, "X-Forwarded-Host"), "a.example:8443");
  for (const auto* name :
       {"X-Forwarded-Port", "Forwarded", "X-Real-IP", "X_Forwarded_For", "X.Real.IP"}) {
    EXPECT_EQ(value(out.fields, name), "(none)") << name;
  }
  EXPECT_EQ(value(out.fields, "X-Forwarded-Fort"), "stays");
}

TEST(HopFields, ARequestWithoutHostHasNoForwardedHost) {
  auto head = request({});
  head.authority.clear();
  EXPECT_EQ(value(forwarded_request(head, kHop).fields, "X-Forwarded-Host"), "(none)");
}

TEST(HopFields, ViaGrowsByOneOnBothWays) {
  auto head = request({{"Via", "1.0 fred"}, {"Via", "1.1 barney"}});
  head.version = http::Version::kHttp10;
  const auto out = forwarded_request(head, kHop);
  EXPECT_EQ(out.fields.count("Via"), 1u);
  EXPECT_EQ(value(out.fields, "Via"), "1.0 fred, 1.1 barney, 1.0 gatehouse");

  http::ResponseHead response;
  response.fields.add("Connection", "close, X-Hop");
  response.fields.add("X-Hop", "1");
  response.fields.add("Server", "origin");
  forward_response(response);
  EXPECT_EQ(value(response.fields, "Via"), "1.1 gatehouse");
  EXPECT_EQ(value(response.fields, "X-Hop"), "(none)");
  EXPECT_EQ(value(response.fields, "Server"), "origin");
}

}  // namespace
}  // namespace gatehouse::proxy
