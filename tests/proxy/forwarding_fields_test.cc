#include "proxy/forwarding_fields.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::proxy::forwarding_fields_test {
namespace {

using ::testing::MatchesRegex;
using Given = std::vector<std::pair<std::string, std::string>>;

// A request from 10.0.0.1 over plain HTTP, where 10.0.0.0/8 and fd00::/8 are trusted.
class ForwardingFields : public testing::Test {
 protected:
  ForwardingFields() {
    trusted.ip = "10.0.0.1";
    trusted.is_trusted = true;
    stranger.ip = "192.0.2.7";
  }
  void receive(const ClientFacts& peer, const Given& given) {
    http::RequestHead head;
    head.authority = "a.example:8080";
    for (const auto& [name, value] : given) head.fields.add(name, value);
    facts = facts_of(head, peer, ranges);
    fields = head.fields;
    set_forwarding_fields(fields, head.authority, peer, facts);
  }
  std::string client(const Given& given) {
    receive(trusted, given);
    return std::string(facts.client_ip);
  }
  std::string sent(std::string_view name) const {
    EXPECT_LE(fields.count(name), 1u) << name;
    const auto found = fields.find(name);
    return std::string(found.value_or("(none)"));
  }

  ClientFacts trusted;
  ClientFacts stranger;
  std::vector<base::IpRange> ranges{*base::IpRange::parse("10.0.0.0/8"),
                                    *base::IpRange::parse("fd00::/8")};
  RequestFacts facts;
  http::Fields fields;
};

TEST_F(ForwardingFields, OfAStrangerNothingIsBelieved) {
  const Given lies = {{"X-Forwarded-For", "10.0.0.9"},
                      {"x-forwarded-proto", "https"},
                      {"X-Forwarded-Host", "evil.example"},
                      {"X-Forwarded-Port", "1"},
                      {"X-Forwarded-Anything", "1"},
                      {"Forwarded", "for=10.0.0.9;proto=https"},
                      {"X-Real-IP", "10.0.0.9"},
                      {"CF-Connecting-IP", "10.0.0.9"},
                      {"X_Forwarded_For", "10.0.0.9"},
                      {"X.Real.IP", "10.0.0.9"},
                      {"X-Request-Id", "mine"},
                      {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"},
                      {"tracestate", "a=b"},
                      {"X-Forward", "stays"}};
  receive(stranger, lies);
  EXPECT_EQ(facts.client_ip, "192.0.2.7");
  EXPECT_FALSE(facts.is_https);
  EXPECT_EQ(sent("X-Forwarded-For"), "192.0.2.7");
  EXPECT_EQ(sent("X-Forwarded-Proto"), "http");
  EXPECT_EQ(sent("X-Forwarded-Host"), "a.example:8080");
  EXPECT_THAT(sent("X-Request-Id"), MatchesRegex("[0-9a-f]{32}"));
  EXPECT_EQ(sent("X-Forward"), "stays");
  EXPECT_EQ(fields.size(), 5u) << "and nothing else";
}

TEST_F(ForwardingFields, TheClientIsTheFirstFromTheRightWhoIsNotTrusted) {
  EXPECT_EQ(client({{"X-Forwarded-For", "198.51.100.1"}}), "198.51.100.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.1.1.1, 198.51.100.1, 10.2.2.2, fd00::1"}}),
            "198.51.100.1");
  EXPECT_EQ(sent("X-Forwarded-For"), "1.1.1.1, 198.51.100.1, 10.2.2.2, fd00::1, 10.0.0.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.1.1.1"}, {"X-Forwarded-For", "2001:db8::1"}}),
            "2001:db8::1");
  EXPECT_EQ(client({{"X-Forwarded-For", "[2001:db8::1]:4711 ,10.9.9.9:80"}}), "2001:db8::1");
}

TEST_F(ForwardingFields, WhereAllAreTrustedTheFirstIsTheClient) {
  EXPECT_EQ(client({{"X-Forwarded-For", "10.7.7.7, 10.8.8.8"}}), "10.7.7.7");
}

TEST_F(ForwardingFields, BehindWhoIsNotNamedNobodyIs) {
  EXPECT_EQ(client({{"X-Forwarded-For", "1.1.1.1, unknown, 10.8.8.8"}}), "10.8.8.8");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.1.1.1, _hidden"}}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Forwarded-For", "1.1.1.1, 2.2.2.2 3.3.3.3"}}), "10.0.0.1");
  EXPECT_EQ(client({{"X-Forwarded-For", " , "}}), "10.0.0.1");
  EXPECT_EQ(sent("X-Forwarded-For"), "10.0.0.1");
  EXPECT_EQ(client({}), "10.0.0.1");
}

TEST_F(ForwardingFields, TheSchemeIsWhatTheProxyThatSawTheClientSays) {
  client({{"X-Forwarded-For", "198.51.100.1"}, {"X-Forwarded-Proto", "HTTPS"}});
  EXPECT_TRUE(facts.is_https);
  EXPECT_EQ(sent("X-Forwarded-Proto"), "https");
  client({{"X-Forwarded-For", "198.51.100.1, 10.2.2.2"}, {"X-Forwarded-Proto", "https, http"}});
  EXPECT_TRUE(facts.is_https);
  client({{"X-Forwarded-For", "1.1.1.1, 198.51.100.1"}, {"X-Forwarded-Proto", "https, http"}});
  EXPECT_FALSE(facts.is_https) << "the first element is the client's own";
  client({{"X-Forwarded-Proto", "wss"}});
  EXPECT_TRUE(facts.is_https);
  client({{"X-Forwarded-Proto", "gopher"}});
  EXPECT_FALSE(facts.is_https);
  EXPECT_EQ(sent("X-Forwarded-Proto"), "http");
  trusted.tls = true;
  client({{"X-Forwarded-Proto", "http"}});
  EXPECT_FALSE(facts.is_https) << "it spoke TLS with us for who did not";
}

TEST_F(ForwardingFields, WhatElseATrustedProxySaysGoesOn) {
  client({{"X-Forwarded-For", "198.51.100.1"},
          {"X-Forwarded-Host", "www.example"},
          {"X-Forwarded-Port", "443"},
          {"X-Forwarded-Prefix", "/app"},
          {"CF-Ray", "1"},
          {"X-Real-IP", "198.51.100.1"}});
  EXPECT_EQ(sent("X-Forwarded-Host"), "www.example");
  EXPECT_EQ(sent("X-Forwarded-Port"), "443");
  EXPECT_EQ(sent("X-Forwarded-Prefix"), "/app");
  EXPECT_EQ(sent("CF-Ray"), "1");
  EXPECT_EQ(sent("X-Real-IP"), "198.51.100.1");
}

TEST_F(ForwardingFields, WhatContradictsTheClientDoesNotGoOn) {
  client({{"X-Forwarded-For", "198.51.100.1"},
          {"X-Real-IP", "1.1.1.1"},
          {"X_Forwarded_For", "1.1.1.1"},
          {"Forwarded", "for=1.1.1.1;host=evil.example"}});
  EXPECT_EQ(facts.client_ip, "198.51.100.1");
  for (const auto* name : {"X-Real-IP", "X_Forwarded_For", "Forwarded"}) {
    EXPECT_EQ(sent(name), "(none)") << name;
  }
  EXPECT_EQ(sent("X-Forwarded-Host"), "a.example:8080");
}

TEST_F(ForwardingFields, ForwardedIsBelievedWhereItStandsAlone) {
  client({{"Forwarded", "for=1.1.1.1;proto=http"},
          {"Forwarded", "for=\"[2001:db8::1]:4711\";proto=https;host=www.example, for=10.2.2.2"},
          {"X-Forwarded-Proto", "http"},
          {"X-Forwarded-Host", "evil.example"}});
  EXPECT_EQ(facts.client_ip, "2001:db8::1");
  EXPECT_TRUE(facts.is_https);
  EXPECT_EQ(sent("X-Forwarded-For"), "1.1.1.1, 2001:db8::1, 10.2.2.2, 10.0.0.1");
  EXPECT_EQ(sent("X-Forwarded-Proto"), "https");
  EXPECT_EQ(sent("X-Forwarded-Host"), "www.example");
  EXPECT_EQ(sent("Forwarded"),
            "for=1.1.1.1;proto=http, for=\"[2001:db8::1]:4711\";proto=https;host=www.example, "
            "for=10.2.2.2, for=10.0.0.1;host=\"a.example:8080\";proto=http");
}

TEST_F(ForwardingFields, ForwardedThatIsBrokenGoesNoFurther) {
  EXPECT_EQ(client({{"Forwarded", "for=\"1.1.1.1, for=198.51.100.1"}}), "10.0.0.1");
  EXPECT_EQ(sent("Forwarded"), "(none)");
  EXPECT_EQ(client({{"Forwarded", "for=\"1.1.1.1"}, {"Forwarded", "for=198.51.100.1"}}),
            "198.51.100.1");
  EXPECT_EQ(sent("Forwarded"), "(none)");
  EXPECT_EQ(sent("X-Forwarded-For"), "198.51.100.1, 10.0.0.1");
}

TEST_F(ForwardingFields, ARequestIdIsKeptWhenItIsOne) {
  client({{"X-Request-Id", "7f1c-A_b.c/d"}});
  EXPECT_EQ(sent("X-Request-Id"), "7f1c-A_b.c/d");
  EXPECT_EQ(facts.request_id, "7f1c-A_b.c/d");
  const Given bad[] = {{{"X-Request-Id", ""}},
                       {{"X-Request-Id", "a b"}},
                       {{"X-Request-Id", "\"a\""}},
                       {{"X-Request-Id", std::string(129, 'a')}},
                       {{"X-Request-Id", "a"}, {"X-Request-Id", "b"}}};
  for (const auto& given : bad) {
    client(given);
    EXPECT_THAT(sent("X-Request-Id"), MatchesRegex("[0-9a-f]{32}"));
  }
  const auto one = facts.request_id;
  client({});
  EXPECT_NE(facts.request_id, one) << "each has its own";
}

const std::string kParent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

TEST_F(ForwardingFields, AValidTraceOfATrustedPeerGoesOn) {
  for (const auto& parent :
       {kParent, "cc" + kParent.substr(2), "cc" + kParent.substr(2) + "-what-may-come"}) {
    client({{"traceparent", parent}, {"tracestate", "a=b"}, {"tracestate", "c=d"}});
    EXPECT_EQ(sent("traceparent"), parent);
    EXPECT_EQ(fields.count("tracestate"), 2u);
    EXPECT_EQ(facts.trace_id, "0af7651916cd43dd8448eb211c80319c");
  }
}

TEST_F(ForwardingFields, ATraceThatIsNoneDoesNot) {
  for (const auto& parent :
       {std::string(), kParent.substr(1), kParent + "-x", "ff" + kParent.substr(2),
        "cc" + kParent.substr(2) + "x", "00-" + std::string(32, '0') + kParent.substr(35),
        kParent.substr(0, 36) + std::string(16, '0') + "-01", "0G" + kParent.substr(2),
        std::string("00-0AF7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")}) {
    client({{"traceparent", parent}, {"tracestate", "a=b"}});
    EXPECT_EQ(sent("traceparent"), "(none)") << parent;
    EXPECT_EQ(sent("tracestate"), "(none)") << parent;
    EXPECT_EQ(facts.trace_id, "");
  }
  client({{"traceparent", kParent}, {"traceparent", kParent}});
  EXPECT_EQ(sent("traceparent"), "(none)") << "two are none";
}

TEST_F(ForwardingFields, OnlyWeSayWhichCertificateAClientHasShown) {
  const Given lies = {{"Client-Cert", ":bGll:"},
                      {"client-cert-chain", ":bGll:"},
                      {"Client_Cert", ":bGll:"},
                      {"Client.Cert.Chain", ":bGll:"}};
  for (auto* peer : {&trusted, &stranger}) {
    receive(*peer, lies);
    for (const auto& field : fields) EXPECT_NE(field.value, ":bGll:") << field.name;
    note_certificate(*peer, "der");
    receive(*peer, lies);
    EXPECT_EQ(sent("Client-Cert"), ":ZGVy:");
    for (const auto& field : fields) EXPECT_NE(field.value, ":bGll:") << field.name;
  }
  EXPECT_EQ(trusted.certificate_sha256.size(), 64u);
}

}  // namespace
}  // namespace gatehouse::proxy::forwarding_fields_test
