#include "proxy/hop_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::proxy::hop_fields_test {
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
  const auto found = fields.find(name);
  return std::string(found.value_or("(none)"));
}

ClientFacts peer() {
  ClientFacts facts;
  facts.ip = "192.0.2.7";
  facts.tls = true;
  return facts;
}

// As a stranger's request is forwarded.
http::RequestHead forwarded(const http::RequestHead& head,
                            const std::vector<std::string>& allowed = {}) {
  const auto from = peer();
  const auto facts = facts_of(head, from, {});
  http::RequestHead out;
  forward_request(head, Hop{from, facts, allowed}, out);
  return out;
}

TEST(HopFields, AnOptionsRequestHasOneForwardLess) {
  auto head = request({{"Max-Forwards", "7"}});
  EXPECT_EQ(value(forwarded(head).fields, "Max-Forwards"), "7") << "of a GET it means nothing";
  head.method = "OPTIONS";
  EXPECT_EQ(forwards_left(head), 7u);
  EXPECT_EQ(value(forwarded(head).fields, "Max-Forwards"), "6");
  for (const auto* odd : {"", "-1", "1 ", "1, 2", "x", "99999999999999999999"}) {
    head.fields.set("Max-Forwards", odd);
    EXPECT_FALSE(forwards_left(head)) << odd;
    EXPECT_EQ(value(forwarded(head).fields, "Max-Forwards"), odd);
  }
}

TEST(HopFields, WhatSpeaksToTheNextHopIsRemoved) {
  const auto out = forwarded(request({{"Connection", "keep-alive, X-Mine"},
                                      {"X-Mine", "1"},
                                      {"Keep-Alive", "timeout=5"},
                                      {"Proxy-Connection", "keep-alive"},
                                      {"Proxy-Authorization", "Basic eDp5"},
                                      {"Upgrade", "websocket"},
                                      {"HTTP2-Settings", "AAMAAABk"},
                                      {"Accept", "*/*"}}));
  for (const auto* name : {"Connection", "X-Mine", "Keep-Alive", "Proxy-Connection",
                           "Proxy-Authorization", "Upgrade", "HTTP2-Settings"}) {
    EXPECT_EQ(value(out.fields, name), "(none)") << name;
  }
  EXPECT_EQ(value(out.fields, "Accept"), "*/*");
}

TEST(HopFields, ConnectionCannotTakeAwayWhatAnApplicationReliesOn) {
  const auto out = forwarded(request({{"Connection", "Cookie, close, Authorization,,"},
                                      {"Cookie", "a=b"},
                                      {"Authorization", "Bearer x"}}));
  EXPECT_EQ(value(out.fields, "Cookie"), "a=b");
  EXPECT_EQ(value(out.fields, "Authorization"), "Bearer x");
}

TEST(HopFields, OfTeOnlyTrailersStays) {
  EXPECT_EQ(value(forwarded(request({{"TE", "gzip;q=1, trailers"}})).fields, "TE"), "trailers");
  EXPECT_EQ(value(forwarded(request({{"TE", "gzip"}})).fields, "TE"), "(none)");
}

TEST(HopFields, NamesThatSomeProgramsConfuseAreDropped) {
  const auto head = request({{"X_User", "root"}, {"x.y", "1"}, {"X-User", "me"}, {"A_b", "2"}});
  const auto out = forwarded(head, {"a_b"});
  for (const auto* name : {"X_User", "x.y"}) EXPECT_EQ(value(out.fields, name), "(none)") << name;
  EXPECT_EQ(value(out.fields, "X-User"), "me");
  EXPECT_EQ(value(out.fields, "A_b"), "2") << "allowed by name";
}

TEST(HopFields, TrailersAreHeldToTheSame) {
  const auto from =
      request({{"X-Sum", "1"}, {"x_sum", "2"}, {"A_b", "3"}, {"X-Forwarded-For", "10.0.0.1"}});
  const std::vector<std::string> allowed{"a_b"};
  const auto some = forwarded_trailers(from.fields, &allowed);
  EXPECT_EQ(some.size(), 2u);
  EXPECT_EQ(value(some, "X-Sum"), "1");
  EXPECT_EQ(value(some, "A_b"), "3");
  EXPECT_EQ(forwarded_trailers(from.fields, nullptr).size(), 1u);
}

TEST(HopFields, ConnectionCannotTakeAwayWhoTheClientIs) {
  auto from = peer();
  from.is_trusted = true;
  const auto head = request({{"Connection", "X-Forwarded-For, X-Request-Id"},
                             {"X-Forwarded-For", "198.51.100.1"},
                             {"X-Request-Id", "one"}});
  const auto facts = facts_of(head, from, {});
  const std::vector<std::string> none;
  http::RequestHead out;
  forward_request(head, Hop{from, facts, none}, out);
  EXPECT_EQ(value(out.fields, "X-Forwarded-For"), "198.51.100.1, 192.0.2.7");
  EXPECT_EQ(value(out.fields, "X-Request-Id"), "one");
}

TEST(HopFields, ARequestWithoutHostHasNoForwardedHost) {
  auto head = request({});
  head.authority.clear();
  EXPECT_EQ(value(forwarded(head).fields, "X-Forwarded-Host"), "(none)");
}

TEST(HopFields, ViaGrowsByOneOnBothWays) {
  auto head = request({{"Via", "1.0 fred"}, {"Via", "1.1 barney"}});
  head.version = http::Version::kHttp10;
  const auto out = forwarded(head);
  EXPECT_EQ(out.fields.count("Via"), 1u);
  EXPECT_THAT(value(out.fields, "Via"),
              testing::MatchesRegex("1.0 fred, 1.1 barney, 1.0 gatehouse-[0-9a-f]{16}"));
  head.version = http::Version::kHttp2;
  EXPECT_THAT(value(forwarded(head).fields, "Via"), testing::HasSubstr(", 2 gatehouse-"));

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
}  // namespace gatehouse::proxy::hop_fields_test
