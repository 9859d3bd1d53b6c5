#include "acme/jws.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/nid.h>
#include <openssl/sha.h>

#include <array>

#include "acme/base64url.h"
#include "base/log.h"

namespace gatehouse::acme {

namespace {

using base::log::append_json_string;

constexpr std::size_t kCoordinate = 32;

// The P-256 key inside, or null.
EC_KEY* p256(const tls::PrivateKey& key) {
  if (!key) return nullptr;
  EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key.get());
  if (ec == nullptr) return nullptr;
  const EC_GROUP* group = EC_KEY_get0_group(ec);
  const bool fits = EC_GROUP_get_curve_name(group) == NID_X9_62_prime256v1;
  return fits ? ec : nullptr;
}

std::unexpected<base::Error> not_p256() {
  return base::fail(base::Code::kUnsupported, "an ACME account key must be an ECDSA P-256 key");
}

std::unexpected<base::Error> no_memory() {
  return base::fail(base::Code::kInternal, "signing failed: out of memory or randomness");
}

std::string padded(const BIGNUM* number) {
  std::array<std::uint8_t, kCoordinate> bytes{};
  if (!BN_bn2bin_padded(bytes.data(), bytes.size(), number)) return {};
  return std::string(base::as_text(bytes));
}

void append_member(std::string& out, std::string_view key, std::string_view value) {
  out.push_back(out.size() > 1 ? ',' : '{');
  append_json_string(out, key);
  out.push_back(':');
  append_json_string(out, value);
}

}  // namespace

std::string_view name(MacAlgorithm algorithm) {
  switch (algorithm) {
    case MacAlgorithm::kHs384: return "HS384";
    case MacAlgorithm::kHs512: return "HS512";
    case MacAlgorithm::kHs256: break;
  }
  return "HS256";
}

base::Result<std::string> jwk(const tls::PrivateKey& key) {
  const EC_KEY* ec = p256(key);
  if (ec == nullptr) return not_p256();
  bssl::UniquePtr<BIGNUM> x(BN_new());
  bssl::UniquePtr<BIGNUM> y(BN_new());
  if (!x || !y ||
      !EC_POINT_get_affine_coordinates_GFp(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
                                           x.get(), y.get(), nullptr)) {
    return no_memory();
  }
  const std::string x_text = base64url(padded(x.get()));
  const std::string y_text = base64url(padded(y.get()));
  return canonical_jwk({{"crv", "P-256"}, {"kty", "EC"}, {"x", x_text}, {"y", y_text}});
}

std::string canonical_jwk(const std::map<std::string_view, std::string_view>& members) {
  std::string out;
  for (const auto& [key, value] : members) append_member(out, key, value);
  out.push_back('}');
  return out;
}

std::string thumbprint(std::string_view canonical_jwk) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const std::uint8_t*>(canonical_jwk.data()), canonical_jwk.size(),
         digest.data());
  return base64url(digest);
}

std::string signing_input(std::string_view protected_header, std::string_view payload) {
  return base64url(protected_header) + "." + base64url(payload);
}

base::Result<std::string> sign_es256(const tls::PrivateKey& key, std::string_view input) {
  EC_KEY* ec = p256(key);
  if (ec == nullptr) return not_p256();
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest;
  SHA256(reinterpret_cast<const std::uint8_t*>(input.data()), input.size(), digest.data());
  const bssl::UniquePtr<ECDSA_SIG> signature(ECDSA_do_sign(digest.data(), digest.size(), ec));
  if (!signature) return no_memory();
  return padded(ECDSA_SIG_get0_r(signature.get())) + padded(ECDSA_SIG_get0_s(signature.get()));
}

std::string mac(MacAlgorithm algorithm, std::string_view key, std::string_view input) {
  const EVP_MD* digest = algorithm == MacAlgorithm::kHs512   ? EVP_sha512()
                         : algorithm == MacAlgorithm::kHs384 ? EVP_sha384()
                                                             : EVP_sha256();
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  HMAC(digest, key.data(), key.size(), reinterpret_cast<const std::uint8_t*>(input.data()),
       input.size(), out.data(), &length);
  return std::string(base::as_text(base::Bytes(out).first(length)));
}

std::string flattened(std::string_view protected_header, std::string_view payload,
                      std::string_view signature) {
  std::string out;
  append_member(out, "protected", base64url(protected_header));
  append_member(out, "payload", base64url(payload));
  append_member(out, "signature", base64url(signature));
  out.push_back('}');
  return out;
}

base::Result<std::string> signed_request(const tls::PrivateKey& key, std::string_view kid,
                                         std::string_view nonce, std::string_view url,
                                         std::string_view payload) {
  std::string header;
  append_member(header, "alg", "ES256");
  if (kid.empty()) {
    auto public_key = jwk(key);
    if (!public_key) return base::fail(std::move(public_key.error()));
    header += ",\"jwk\":" + *public_key;
  } else {
    append_member(header, "kid", kid);
  }
  if (!nonce.empty()) append_member(header, "nonce", nonce);
  append_member(header, "url", url);
  header.push_back('}');
  auto signature = sign_es256(key, signing_input(header, payload));
  if (!signature) return base::fail(std::move(signature.error()));
  return flattened(header, payload, *signature);
}

std::string external_account_binding(MacAlgorithm algorithm, std::string_view key_id,
                                     std::string_view mac_key, std::string_view url,
                                     std::string_view account_jwk) {
  std::string header;
  append_member(header, "alg", name(algorithm));
  append_member(header, "kid", key_id);
  append_member(header, "url", url);
  header.push_back('}');
  return flattened(header, account_jwk,
                   mac(algorithm, mac_key, signing_input(header, account_jwk)));
}

}  // namespace gatehouse::acme
