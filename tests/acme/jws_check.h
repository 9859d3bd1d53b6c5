// What a CA makes sure of before it looks at what a request wants (RFC 8555 6.2).
#pragma once

#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/nid.h>
#include <openssl/sha.h>

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "acme/base64url.h"

namespace gatehouse::acme {

// Whether the flattened JWS is signed by the P-256 key with ES256, and by nothing else.
inline bool signed_by(const nlohmann::json& jws, const nlohmann::json& jwk) {
  const auto bytes_of = [](const nlohmann::json& object, const char* key) {
    return decode_base64(object.value(key, "")).value_or("");
  };
  const auto number = [](std::string_view bytes) {
    return bssl::UniquePtr<BIGNUM>(
        BN_bin2bn(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(), nullptr));
  };
  const std::string signature = bytes_of(jws, "signature");
  const bool p256 = jwk.value("kty", "") == "EC" && jwk.value("crv", "") == "P-256";
  if (!p256 || signature.size() != 64) return false;
  const bssl::UniquePtr<EC_KEY> key(EC_KEY_new_by_curve_name(NID_X9_62_prime256v1));
  if (EC_KEY_set_public_key_affine_coordinates(key.get(), number(bytes_of(jwk, "x")).get(),
                                               number(bytes_of(jwk, "y")).get()) != 1) {
    return false;
  }
  const bssl::UniquePtr<ECDSA_SIG> pair(ECDSA_SIG_new());
  ECDSA_SIG_set0(pair.get(), number(signature.substr(0, 32)).release(),
                 number(signature.substr(32)).release());
  const std::string input = jws.value("protected", "") + "." + jws.value("payload", "");
  std::uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(reinterpret_cast<const std::uint8_t*>(input.data()), input.size(), digest);
  return ECDSA_do_verify(digest, sizeof digest, pair.get(), key.get()) == 1;
}

// A POST whose body is a JWS of three strings and no more, in the right wrapping; else what is
// wrong with it.
inline std::optional<std::string> wrong_form(const std::string& content_type,
                                             const nlohmann::json& jws) {
  if (content_type != "application/jose+json") return "content type";
  if (!jws.is_object() || jws.size() != 3) return "no flattened JWS";
  for (const char* part : {"protected", "payload", "signature"}) {
    if (!jws.contains(part) || !jws[part].is_string()) return std::string("no ") + part;
  }
  return std::nullopt;
}

}  // namespace gatehouse::acme
