// What a CA's documents may look like, and what is made of each.
#include <gtest/gtest.h>

#include "acme/authorization.h"
#include "acme/certificate.h"
#include "acme/challenge.h"
#include "acme/directory.h"
#include "acme/document.h"
#include "acme/order.h"
#include "acme/poll.h"
#include "acme/url.h"

namespace gatehouse::acme::resources_test {
namespace {

using base::Code;

TEST(Url, TakesHttpsAndPlainLoopback) {
  for (const char* url :
       {"https://ca.test/dir", "https://ca.test:14000", "https://[::2]/x",
        "http://127.0.0.1:4000/dir", "http://localhost/dir", "http://[::1]:4000/dir"}) {
    EXPECT_TRUE(check_url(url)) << url;
  }
}

TEST(Url, RefusesEverythingElse) {
  for (const char* url :
       {"", "/dir", "ftp://ca.test/", "https://", "https:///dir", "https://me@ca.test/",
        "https://ca.test/a b", "https://ca.test/\r\nHost: x", "https://ca.test/#x",
        "http://ca.test/dir", "http://127.0.0.1.ca.test/", "http://localhost.ca.test/"}) {
    EXPECT_FALSE(check_url(url)) << url;
  }
  EXPECT_FALSE(check_url("https://ca.test/" + std::string(kUrlBytes, 'a')));
}

TEST(Url, FindsPathsOnTheSameHost) {
  EXPECT_EQ(*resolve_url("https://ca.test:1/dir?x", "/order/1"), "https://ca.test:1/order/1");
  EXPECT_EQ(*resolve_url("https://ca.test", "https://other.test/1"), "https://other.test/1");
  EXPECT_FALSE(resolve_url("https://ca.test/dir", "//evil.test/"));
  EXPECT_FALSE(resolve_url("https://ca.test/dir", "order/1"));
  EXPECT_FALSE(resolve_url("https://ca.test/dir", ""));
}

TEST(Url, DoesNotFollowHttpsDownToHttp) {
  EXPECT_FALSE(resolve_url("https://ca.test/dir", "http://127.0.0.1/order"));
  EXPECT_TRUE(resolve_url("http://127.0.0.1:1/dir", "http://127.0.0.1:2/order"));
}

TEST(Document, IsBounded) {
  EXPECT_EQ(parse_object(std::string(kDocumentBytes + 1, ' ')).error().code, Code::kTooLarge);
  const std::string deep = "{\"a\":" + std::string(100'000, '[') + std::string(100'000, ']') + "}";
  EXPECT_EQ(parse_object(deep).error().code, Code::kTooLarge);
  EXPECT_TRUE(parse_object("{\"a\":\"" + std::string(1000, '[') + "\\\"[\"}"));
}

TEST(Document, IsAnObject) {
  for (const char* body : {"", "[]", "7", "\"x\"", "{", "{\"a\":1}x", "<html></html>"}) {
    EXPECT_EQ(parse_object(body).error().code, Code::kMalformed) << body;
  }
}

TEST(Document, NumbersOutOfRangeAreLeftOut) {
  const auto object =
      parse_object(R"({"a":18446744073709551615,"b":-9223372036854775808,"c":1.5,"d":7})");
  ASSERT_TRUE(object);
  EXPECT_EQ(number_at(*object, "a", -1), -1);
  EXPECT_EQ(number_at(*object, "b", -1), -1);
  EXPECT_EQ(number_at(*object, "c", -1), -1);
  EXPECT_EQ(number_at(*object, "d", -1), 7);
  EXPECT_FALSE(parse_object(R"({"d":1e999})"));
}

TEST(Directory, ReadsWhatItNames) {
  const auto directory = parse_directory("https://ca.test/dir", R"({
      "newNonce": "https://ca.test/nonce", "newAccount": "https://ca.test/account",
      "newOrder": "/order", "revokeCert": 7, "unknown": {},
      "meta": {"termsOfService": "https://ca.test/terms", "externalAccountRequired": true}})");
  ASSERT_TRUE(directory);
  EXPECT_EQ(directory->new_order, "https://ca.test/order");
  EXPECT_EQ(directory->revoke_cert, "");
  EXPECT_EQ(directory->terms_of_service, "https://ca.test/terms");
  EXPECT_TRUE(directory->external_account_required);
  EXPECT_TRUE(directory->profiles.empty());
}

TEST(Directory, ListsItsProfiles) {
  const auto directory = parse_directory("https://ca.test/dir", R"({
      "newNonce": "/nonce", "newAccount": "/account", "newOrder": "/order",
      "meta": {"profiles": {"classic": "https://ca.test/classic", "shortlived": 7}}})");
  ASSERT_TRUE(directory);
  EXPECT_EQ(directory->profiles, (std::vector<std::string>{"classic", "shortlived"}));
}

TEST(Directory, SaysWhichMemberIsMissing) {
  const auto directory = parse_directory(
      "https://ca.test/dir",
      R"({"newNonce":"https://ca.test/n","newAccount":"https://ca.test/a","newOrder":null})");
  ASSERT_FALSE(directory);
  EXPECT_NE(directory.error().detail.find("newOrder"), std::string::npos);
  EXPECT_NE(parse_directory("https://ca.test/", "<html>").error().detail.find("https://ca.test/"),
            std::string::npos);
}

TEST(Order, ReadsAllStates) {
  const auto pending = parse_order("https://ca.test/order/1", R"({
      "status": "pending", "authorizations": ["https://ca.test/authz/1", 7, "/authz/2"],
      "finalize": "https://ca.test/order/1/finalize"})");
  ASSERT_TRUE(pending);
  EXPECT_EQ(pending->authorizations.size(), 2u);
  EXPECT_EQ(pending->authorizations[1], "https://ca.test/authz/2");
  const auto invalid = parse_order("https://ca.test/order/1", R"({
      "status": "invalid", "error": {"type": "urn:ietf:params:acme:error:caa"}})");
  ASSERT_TRUE(invalid);
  ASSERT_TRUE(invalid->error);
  EXPECT_TRUE(invalid->error->is("caa"));
}

TEST(Order, NeedsAStatusAndUsableUrls) {
  const std::string_view url = "https://ca.test/order/1";
  EXPECT_FALSE(parse_order(url, "{}"));
  EXPECT_FALSE(parse_order(url, R"({"status":7})"));
  EXPECT_FALSE(parse_order(url, R"({"status":"pending","authorizations":["ftp://x/"]})"));
  EXPECT_FALSE(parse_order(url, R"({"status":"ready","finalize":"http://ca.test/f"})"));
  EXPECT_TRUE(parse_order(url, R"({"status":"pending","authorizations":null,"finalize":null})"));
}

TEST(Authorization, ListsKnownAndUnknownChallenges) {
  const auto authorization = parse_authorization("https://ca.test/authz/1", R"({
      "status": "pending", "identifier": {"type": "dns", "value": "a.test"},
      "challenges": [
        {"type": "http-01", "url": "https://ca.test/c/1", "token": "abc_-", "status": "pending"},
        {"type": "dns-persist-01", "url": "https://ca.test/c/2"},
        {"type": "tls-alpn-01", "url": "https://ca.test/c/3", "token": "../../etc/passwd"},
        {"type": "no-url"}, 7]})");
  ASSERT_TRUE(authorization);
  EXPECT_TRUE(authorization->pending());
  ASSERT_EQ(authorization->challenges.size(), 3u);
  EXPECT_EQ(authorization->challenges[0].token, "abc_-");
  EXPECT_EQ(authorization->challenges[2].token, "");
  EXPECT_EQ(authorization->problem(), nullptr);
}

TEST(Authorization, KnowsWhyItIsInvalid) {
  const auto authorization = parse_authorization("https://ca.test/authz/1", R"({
      "status": "invalid", "identifier": {"type": "dns", "value": "a.test"},
      "challenges": [{"type": "http-01", "url": "/c/1"},
        {"type": "tls-alpn-01", "url": "/c/2", "status": "invalid",
         "error": {"type": "urn:ietf:params:acme:error:connection", "detail": "refused"}}]})");
  ASSERT_TRUE(authorization);
  EXPECT_FALSE(authorization->pending());
  EXPECT_FALSE(authorization->valid());
  ASSERT_NE(authorization->problem(), nullptr);
  EXPECT_TRUE(authorization->problem()->is("connection"));
}

TEST(Authorization, NeedsStatusAndIdentifier) {
  const std::string_view url = "https://ca.test/authz/1";
  EXPECT_FALSE(parse_authorization(url, R"({"status":"pending"})"));
  EXPECT_FALSE(parse_authorization(url, R"({"identifier":{"value":"a.test"}})"));
  EXPECT_FALSE(parse_authorization(url, R"({"status":"valid","identifier":"a.test"})"));
}

TEST(PemChain, IsCertificatesAndNothingElse) {
  const std::string one = "-----BEGIN CERTIFICATE-----\nMAo=\n-----END CERTIFICATE-----\n";
  EXPECT_TRUE(check_pem_chain(one));
  EXPECT_TRUE(check_pem_chain("\n" + one + "\r\n" + one));
  EXPECT_FALSE(check_pem_chain(""));
  EXPECT_FALSE(check_pem_chain("<html>" + one));
  EXPECT_FALSE(check_pem_chain(one + "-----BEGIN PRIVATE KEY-----"));
  EXPECT_FALSE(check_pem_chain(one.substr(0, 40)));
  std::string many;
  for (std::size_t i = 0; i <= kChainLength; ++i) many += one;
  EXPECT_EQ(check_pem_chain(many).error().code, Code::kTooLarge);
}

TEST(Poll, StartsFastSlowsDownAndObeysTheCa) {
  base::Loop loop;
  Poll poll(loop, "x");
  EXPECT_EQ(poll.next(std::nullopt), base::Duration(100));
  EXPECT_EQ(poll.next(std::nullopt), base::Duration(200));
  EXPECT_EQ(poll.next(std::chrono::seconds(3)), base::Duration(3000));
  EXPECT_EQ(poll.next(std::chrono::seconds(0)), base::Duration(800));
  EXPECT_EQ(poll.next(std::chrono::seconds(9999)), base::Duration(9999'000));
  EXPECT_EQ(poll.next(std::nullopt), base::Duration(3200));
  EXPECT_EQ(poll.next(std::nullopt), Poll::kLongest);
  EXPECT_EQ(poll.next(std::nullopt), Poll::kLongest);
}

TEST(Poll, TellsAtItsEndForHowLongTheCaAsked) {
  base::Loop loop;
  Poll poll(loop, "x");
  const auto deadline = base::Deadline::in(base::Duration(60'000));
  const auto rested = base::run(loop, poll.rest(nullptr, std::chrono::seconds(3600), deadline));
  ASSERT_FALSE(rested);
  EXPECT_EQ(rested.error().error.code, Code::kTimeout);
  EXPECT_EQ(rested.error().retry_after, std::chrono::seconds(3600));
}

TEST(DnsValue, IsTheDigestOfTheKeyAuthorization) {
  EXPECT_EQ(dns_value("token.thumbprint"), "61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I");
}

TEST(Challenge, IsAskedForByTheReverseNameOfAnAddress) {
  EXPECT_EQ(challenge_server_name("a.example"), "a.example");
  EXPECT_EQ(challenge_server_name("192.0.2.1"), "1.2.0.192.in-addr.arpa");
  EXPECT_EQ(challenge_server_name("2001:db8::1"),
            "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa");
}

}  // namespace
}  // namespace gatehouse::acme::resources_test
