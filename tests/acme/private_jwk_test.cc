#include "acme/private_jwk.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "acme/jws.h"

namespace gatehouse::acme::private_jwk_test {
namespace {

using Json = nlohmann::json;

// What certbot has written (tests/foreign).
std::string certbots() {
  const std::filesystem::path accounts = GATEHOUSE_ROOT "/tests/foreign/certbot/accounts";
  for (const auto& entry : std::filesystem::recursive_directory_iterator(accounts)) {
    if (entry.path().filename() != "private_key.json") continue;
    std::ifstream file(entry.path());
    return {std::istreambuf_iterator<char>(file), {}};
  }
  return {};
}

// RFC 7515 A.3.1.
Json elliptic() {
  return {{"kty", "EC"},
          {"crv", "P-256"},
          {"x", "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU"},
          {"y", "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"},
          {"d", "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI"}};
}

TEST(PrivateJwk, OfCertbotIsTheRsaKeyThatItSays) {
  const std::string text = certbots();
  const auto key = key_of_jwk(text);
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(algorithm_of(*key).value(), "RS256");
  const Json said = Json::parse(text);
  EXPECT_EQ(Json::parse(*jwk(*key))["n"], said["n"]);
  EXPECT_TRUE(sign(*key, "x"));
}

TEST(PrivateJwk, OfACurveIsTheKeyThatItSays) {
  const auto key = key_of_jwk(elliptic().dump());
  ASSERT_TRUE(key) << key.error().detail;
  EXPECT_EQ(Json::parse(*jwk(*key))["x"], elliptic()["x"]);
}

TEST(PrivateJwk, WhoseNumbersDoNotBelongTogetherIsRefused) {
  Json other = elliptic();
  other["d"] = "AQAB";
  EXPECT_EQ(key_of_jwk(other.dump()).error().code, base::Code::kMalformed);
  Json rsa = Json::parse(certbots());
  rsa["d"] = "AQAB";
  EXPECT_EQ(key_of_jwk(rsa.dump()).error().code, base::Code::kMalformed);
  rsa.erase("q");
  EXPECT_EQ(key_of_jwk(rsa.dump()).error().code, base::Code::kMalformed);
}

TEST(PrivateJwk, WhatIsNoneIsRefused) {
  for (const char* text : {"", "[]", "{", "{}", R"({"kty":"EC"})", R"({"kty":"OKP"})",
                           R"({"kty":7})", R"({"kty":"RSA","n":1})"}) {
    EXPECT_FALSE(key_of_jwk(text)) << text;
  }
  EXPECT_EQ(key_of_jwk(std::string(100'000, ' ')).error().code, base::Code::kTooLarge);
}

}  // namespace
}  // namespace gatehouse::acme::private_jwk_test
