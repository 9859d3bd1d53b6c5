#include "acme/jws.h"

#include <gtest/gtest.h>
#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <nlohmann/json.hpp>

#include "acme/account.h"
#include "acme/base64url.h"
#include "acme/challenge.h"
#include "acme/key_change.h"

namespace gatehouse::acme::jws_test {
namespace {

using Json = nlohmann::json;

// RFC 7515 A.1 and A.3 sign the same payload.
constexpr std::string_view kPayload =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";
constexpr std::string_view kPayloadText =
    "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt"
    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ";

// RFC 7515 A.3.1.
constexpr std::string_view kX = "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU";
constexpr std::string_view kY = "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0";
constexpr std::string_view kD = "jpsQnnGQmL-YBIffH1136cspYG6-0iY7X1fCE9-E9LI";

bssl::UniquePtr<BIGNUM> number(std::string_view base64) {
  const std::string bytes = *decode_base64(base64);
  return bssl::UniquePtr<BIGNUM>(
      BN_bin2bn(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), nullptr));
}

bssl::UniquePtr<EC_KEY> rfc_key() {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  EXPECT_TRUE(
      EC_KEY_set_public_key_affine_coordinates(ec.get(), number(kX).get(), number(kY).get()));
  EXPECT_TRUE(EC_KEY_set_private_key(ec.get(), number(kD).get()));
  return ec;
}

tls::PrivateKey private_key(bssl::UniquePtr<EC_KEY> ec) {
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  EXPECT_TRUE(EVP_PKEY_set1_EC_KEY(key.get(), ec.get()));
  return tls::PrivateKey(std::move(key));
}

bool verifies(std::string_view signature, std::string_view input) {
  if (signature.size() != 64) return false;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(signature.data());
  bssl::UniquePtr<ECDSA_SIG> pair(ECDSA_SIG_new());
  EXPECT_TRUE(ECDSA_SIG_set0(pair.get(), BN_bin2bn(bytes, 32, nullptr),
                             BN_bin2bn(bytes + 32, 32, nullptr)));
  std::uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const std::uint8_t*>(input.data()), input.size(), digest);
  return ECDSA_do_verify(digest, sizeof digest, pair.get(), rfc_key().get()) == 1;
}

std::string decoded(const Json& jws, const char* part) {
  return *decode_base64(jws[part].get<std::string>());
}

std::string hex(std::string_view bytes) {
  std::string out;
  for (const unsigned char c : bytes) {
    out.push_back("0123456789abcdef"[c >> 4]);
    out.push_back("0123456789abcdef"[c & 15]);
  }
  return out;
}

TEST(Jws, Rfc7515A3SigningInputAndSignature) {
  const std::string input = signing_input("{\"alg\":\"ES256\"}", kPayload);
  EXPECT_EQ(input, "eyJhbGciOiJFUzI1NiJ9." + std::string(kPayloadText));
  const std::string signature = *decode_base64(
      "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q");
  EXPECT_TRUE(verifies(signature, input));
  EXPECT_FALSE(verifies(signature, input + "x"));
}

TEST(Jws, SignaturesOfOursVerifyWithThePublicKey) {
  const tls::PrivateKey key = private_key(rfc_key());
  // Many, so that r or s with leading zero bytes comes up.
  for (int i = 0; i < 300; ++i) {
    const std::string input = "input " + std::to_string(i);
    const auto signature = sign(key, input);
    ASSERT_TRUE(signature);
    EXPECT_TRUE(verifies(*signature, input));
  }
}

TEST(Jws, Rfc7515A1Mac) {
  const std::string key = *decode_base64(
      "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow");
  const std::string input = signing_input("{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", kPayload);
  EXPECT_EQ(input, "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9." + std::string(kPayloadText));
  EXPECT_EQ(base64url(mac(MacAlgorithm::kHs256, key, input)),
            "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST(Jws, Rfc4231MacsOfEverySize) {
  const std::string_view input = "what do ya want for nothing?";
  EXPECT_EQ(hex(mac(MacAlgorithm::kHs256, "Jefe", input)),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(hex(mac(MacAlgorithm::kHs384, "Jefe", input)),
            "af45d2e376484031617f78d2b58a6b1b9c7ef464f5a01b47e42ec3736322445e8e2240ca5e69e2c78b3239"
            "ecfab21649");
  EXPECT_EQ(hex(mac(MacAlgorithm::kHs512, "Jefe", input)),
            "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea2505549758bf75c05a994a6d034f"
            "65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
}

TEST(Jwk, Rfc7638ThumbprintOfTheRsaExample) {
  const std::string_view n =
      "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJ"
      "ECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW"
      "2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQ"
      "Fh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw";
  const std::string canonical = canonical_jwk({{"n", n}, {"kty", "RSA"}, {"e", "AQAB"}});
  EXPECT_EQ(canonical, "{\"e\":\"AQAB\",\"kty\":\"RSA\",\"n\":\"" + std::string(n) + "\"}");
  EXPECT_EQ(thumbprint(canonical), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

TEST(Jwk, OfAP256KeyIsCanonical) {
  const auto public_key = jwk(private_key(rfc_key()));
  ASSERT_TRUE(public_key);
  EXPECT_EQ(*public_key, "{\"crv\":\"P-256\",\"kty\":\"EC\",\"x\":\"" + std::string(kX) +
                             "\",\"y\":\"" + std::string(kY) + "\"}");
}

// What openssl says of a signature by `key`; of RSA, as it stands in the JWS.
bool verifies_by(const tls::PrivateKey& key, std::string_view signature, std::string_view input) {
  bssl::ScopedEVP_MD_CTX context;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(signature.data());
  std::string der(signature);
  const EVP_MD* digest = EVP_sha256();
  if (key.is_ecdsa()) {
    const std::size_t half = signature.size() / 2;
    digest = half == 48 ? EVP_sha384() : EVP_sha256();
    bssl::UniquePtr<ECDSA_SIG> pair(ECDSA_SIG_new());
    ECDSA_SIG_set0(pair.get(), BN_bin2bn(bytes, half, nullptr),
                   BN_bin2bn(bytes + half, half, nullptr));
    std::uint8_t* out = nullptr;
    std::size_t size = 0;
    EXPECT_TRUE(ECDSA_SIG_to_bytes(&out, &size, pair.get()));
    der.assign(reinterpret_cast<const char*>(out), size);
    OPENSSL_free(out);
  }
  return EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key.get()) &&
         EVP_DigestVerify(context.get(), reinterpret_cast<const std::uint8_t*>(der.data()),
                          der.size(), reinterpret_cast<const std::uint8_t*>(input.data()),
                          input.size());
}

TEST(Jwk, CertificatesKeysOfEveryTypeSign) {
  using enum tls::KeyType;
  for (const auto& [type, algorithm] :
       {std::pair(kP256, "ES256"), std::pair(kP384, "ES384"), std::pair(kRsa2048, "RS256")}) {
    const auto key = tls::PrivateKey::generate(type);
    ASSERT_TRUE(key);
    ERR_clear_error();
    const auto body = signed_request(*key, "", "n-1", "https://ca.test/revoke", "{}");
    ASSERT_TRUE(body) << algorithm;
    // TLS on the same thread would take an error that is left behind for its own.
    EXPECT_EQ(ERR_peek_error(), 0u) << algorithm;
    const Json jws = Json::parse(*body);
    const Json header = Json::parse(decoded(jws, "protected"));
    EXPECT_EQ(header["alg"], algorithm);
    EXPECT_EQ(header["jwk"].dump(), *jwk(*key));
    const std::string input =
        jws["protected"].get<std::string>() + "." + jws["payload"].get<std::string>();
    EXPECT_TRUE(verifies_by(*key, decoded(jws, "signature"), input)) << algorithm;
    EXPECT_FALSE(verifies_by(*key, decoded(jws, "signature"), input + "x")) << algorithm;
  }
}

TEST(Jwk, RefusesWhatIsNoKey) {
  EXPECT_EQ(jwk(tls::PrivateKey()).error().code, base::Code::kUnsupported);
  EXPECT_EQ(sign(tls::PrivateKey(), "x").error().code, base::Code::kUnsupported);
}

TEST(KeyChange, IsSignedByTheNewKeyAndNamesTheOldOne) {
  const tls::PrivateKey fresh = *tls::PrivateKey::generate(tls::KeyType::kP256);
  const Account account{private_key(rfc_key()), "https://ca.test/account/1"};
  const auto payload = key_change_payload(account, fresh, "https://ca.test/key-change");
  ASSERT_TRUE(payload);
  const Json inner = Json::parse(*payload);
  const Json header = Json::parse(decoded(inner, "protected"));
  // RFC 8555 7.3.5: the key itself, the outer request's URL, and no nonce.
  EXPECT_EQ(header["jwk"].dump(), *jwk(fresh));
  EXPECT_EQ(header["url"], "https://ca.test/key-change");
  EXPECT_FALSE(header.contains("nonce"));
  EXPECT_FALSE(header.contains("kid"));
  const Json wanted = Json::parse(decoded(inner, "payload"));
  EXPECT_EQ(wanted["account"], account.url);
  EXPECT_EQ(wanted["oldKey"].dump(), *jwk(account.key));
  const std::string input =
      inner["protected"].get<std::string>() + "." + inner["payload"].get<std::string>();
  EXPECT_TRUE(verifies_by(fresh, decoded(inner, "signature"), input));
}

TEST(SignedRequest, NamesTheAccountByItsUrl) {
  const auto body = signed_request(private_key(rfc_key()), "https://ca.test/account/1", "n-1",
                                   "https://ca.test/order", "{}");
  ASSERT_TRUE(body);
  const Json jws = Json::parse(*body);
  EXPECT_EQ(jws.size(), 3u);
  const Json header = Json::parse(decoded(jws, "protected"));
  EXPECT_EQ(header, Json::parse(R"({"alg":"ES256","kid":"https://ca.test/account/1",
                                    "nonce":"n-1","url":"https://ca.test/order"})"));
  EXPECT_EQ(decoded(jws, "payload"), "{}");
  EXPECT_TRUE(verifies(decoded(jws, "signature"), jws["protected"].get<std::string>() + "." +
                                                      jws["payload"].get<std::string>()));
}

TEST(SignedRequest, CarriesTheKeyBeforeTheAccountHasAUrl) {
  const auto body =
      signed_request(private_key(rfc_key()), "", "n-1", "https://ca.test/new-account", "");
  ASSERT_TRUE(body);
  const Json jws = Json::parse(*body);
  const Json header = Json::parse(decoded(jws, "protected"));
  EXPECT_FALSE(header.contains("kid"));
  EXPECT_EQ(header["jwk"]["x"], kX);
  EXPECT_EQ(jws["payload"], "");
}

TEST(ExternalAccountBinding, SignsTheAccountKeyWithTheCasKey) {
  const std::string mac_key = "a secret of the CA";
  const auto account_jwk = jwk(private_key(rfc_key()));
  const Json jws = Json::parse(external_account_binding(
      MacAlgorithm::kHs256, "kid-1", mac_key, "https://ca.test/new-account", *account_jwk));
  const Json header = Json::parse(decoded(jws, "protected"));
  EXPECT_EQ(header, Json::parse(R"({"alg":"HS256","kid":"kid-1",
                                    "url":"https://ca.test/new-account"})"));
  EXPECT_EQ(decoded(jws, "payload"), *account_jwk);
  EXPECT_EQ(decoded(jws, "signature"),
            mac(MacAlgorithm::kHs256, mac_key,
                jws["protected"].get<std::string>() + "." + jws["payload"].get<std::string>()));
}

TEST(AccountPayload, TakesTheMacKeyInEveryAlphabet) {
  const tls::PrivateKey key = private_key(rfc_key());
  Registration registration;
  registration.email = "ops@example.com";
  std::string first;
  for (const char* mac_key : {"-_-_Zg", "+/+/Zg==", "-_-_Zg==", " +/+/Zg\n"}) {
    registration.external = ExternalAccount{"kid-1", mac_key, MacAlgorithm::kHs384};
    const auto payload = account_payload(key, registration, "https://ca.test/new-account");
    ASSERT_TRUE(payload) << mac_key;
    if (first.empty()) first = *payload;
    EXPECT_EQ(*payload, first) << mac_key;
  }
  const Json payload = Json::parse(first);
  EXPECT_EQ(payload["termsOfServiceAgreed"], true);
  EXPECT_EQ(payload["contact"], Json::parse(R"(["mailto:ops@example.com"])"));
  const Json header = Json::parse(decoded(payload["externalAccountBinding"], "protected"));
  EXPECT_EQ(header["alg"], "HS384");
}

TEST(AccountPayload, RefusesAMacKeyThatIsNoBase64) {
  Registration registration;
  for (const char* mac_key : {"not base64!", "", "="}) {
    registration.external = ExternalAccount{"kid-1", mac_key, MacAlgorithm::kHs256};
    const auto payload = account_payload(private_key(rfc_key()), registration, "https://ca.test/");
    ASSERT_FALSE(payload) << mac_key;
    EXPECT_NE(payload.error().detail.find("kid-1"), std::string::npos);
  }
}

TEST(KeyAuthorization, IsTokenAndThumbprint) {
  const tls::PrivateKey key = private_key(rfc_key());
  EXPECT_EQ(*key_authorization("token", key), "token." + thumbprint(*jwk(key)));
}

}  // namespace
}  // namespace gatehouse::acme::jws_test
