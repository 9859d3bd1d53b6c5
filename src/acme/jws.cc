#include "acme/jws.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <algorithm>
#include <array>

#include "acme/base64url.h"
#include "base/log.h"

namespace gatehouse::acme {

namespace {

using base::log::append_json_string;

// A curve that JOSE has a name for (RFC 7518 6.2.1.1), and what is signed on it.
struct Curve {
  int nid;
  std::string_view name;
  std::string_view algorithm;
  std::size_t coordinate;  // bytes
  const EVP_MD* (*digest)();
};

constexpr std::array kCurves{Curve{NID_X9_62_prime256v1, "P-256", "ES256", 32, EVP_sha256},
                             Curve{NID_secp384r1, "P-384", "ES384", 48, EVP_sha384}};

constexpr unsigned kLeastRsa = 2048;  // bits
constexpr unsigned kMostRsa = 8192;

// The curve of an ECDSA key, or null.
const Curve* curve_of(const tls::PrivateKey& key) {
  const bool is_ec = key && EVP_PKEY_id(key.get()) == EVP_PKEY_EC;
  const EC_KEY* ec = is_ec ? EVP_PKEY_get0_EC_KEY(key.get()) : nullptr;
  if (ec == nullptr) return nullptr;
  const auto* found =
      std::ranges::find(kCurves, EC_GROUP_get_curve_name(EC_KEY_get0_group(ec)), &Curve::nid);
  return found == kCurves.end() ? nullptr : found;
}

// The RSA key inside, or null.
const RSA* rsa_of(const tls::PrivateKey& key) {
  const bool is_rsa = key && EVP_PKEY_id(key.get()) == EVP_PKEY_RSA;
  const RSA* rsa = is_rsa ? EVP_PKEY_get0_RSA(key.get()) : nullptr;
  if (rsa == nullptr) return nullptr;
  return RSA_bits(rsa) >= kLeastRsa && RSA_bits(rsa) <= kMostRsa ? rsa : nullptr;
}

std::unexpected<base::Error> unsupported_key() {
  return base::fail(
      base::Code::kUnsupported,
      "an ACME account key must be ECDSA P-256 or P-384, or RSA of 2048 to 8192 bits");
}

std::unexpected<base::Error> no_memory() {
  return base::fail(base::Code::kInternal, "signing failed: out of memory or randomness");
}

std::string padded(const BIGNUM* number, std::size_t size) {
  std::string bytes(size, '\0');
  const bool fits = BN_bn2bin_padded(reinterpret_cast<std::uint8_t*>(bytes.data()), size, number);
  return fits ? bytes : std::string();
}

base::Result<std::string> ec_jwk(const EC_KEY* ec, const Curve& curve) {
  bssl::UniquePtr<BIGNUM> x(BN_new());
  bssl::UniquePtr<BIGNUM> y(BN_new());
  if (!x || !y ||
      !EC_POINT_get_affine_coordinates_GFp(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
                                           x.get(), y.get(), nullptr)) {
    return no_memory();
  }
  const std::string x_text = base64url(padded(x.get(), curve.coordinate));
  const std::string y_text = base64url(padded(y.get(), curve.coordinate));
  return canonical_jwk({{"crv", curve.name}, {"kty", "EC"}, {"x", x_text}, {"y", y_text}});
}

base::Result<std::string> ec_signature(EC_KEY* ec, const Curve& curve, std::string_view digest) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(digest.data());
  const bssl::UniquePtr<ECDSA_SIG> signature(ECDSA_do_sign(bytes, digest.size(), ec));
  if (!signature) return no_memory();
  return padded(ECDSA_SIG_get0_r(signature.get()), curve.coordinate) +
         padded(ECDSA_SIG_get0_s(signature.get()), curve.coordinate);
}

base::Result<std::string> rsa_signature(const tls::PrivateKey& key, std::string_view input) {
  bssl::ScopedEVP_MD_CTX context;
  std::size_t size = static_cast<std::size_t>(EVP_PKEY_size(key.get()));
  std::string signature(size, '\0');
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(input.data());
  if (!EVP_DigestSignInit(context.get(), nullptr, EVP_sha256(), nullptr, key.get()) ||
      !EVP_DigestSign(context.get(), reinterpret_cast<std::uint8_t*>(signature.data()), &size,
                      bytes, input.size())) {
    return no_memory();
  }
  signature.resize(size);
  return signature;
}

std::string digest_of(std::string_view input, const EVP_MD* kind) {
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned size = 0;
  if (!EVP_Digest(input.data(), input.size(), digest.data(), &size, kind, nullptr)) return {};
  return std::string(base::as_text(base::Bytes(digest).first(size)));
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

base::Result<std::string_view> algorithm_of(const tls::PrivateKey& key) {
  if (const Curve* curve = curve_of(key)) return curve->algorithm;
  if (rsa_of(key) != nullptr) return "RS256";
  return unsupported_key();
}

base::Result<std::string> jwk(const tls::PrivateKey& key) {
  if (const Curve* curve = curve_of(key)) return ec_jwk(EVP_PKEY_get0_EC_KEY(key.get()), *curve);
  const RSA* rsa = rsa_of(key);
  if (rsa == nullptr) return unsupported_key();
  const std::string n = base64url(padded(RSA_get0_n(rsa), BN_num_bytes(RSA_get0_n(rsa))));
  const std::string e = base64url(padded(RSA_get0_e(rsa), BN_num_bytes(RSA_get0_e(rsa))));
  return canonical_jwk({{"e", e}, {"kty", "RSA"}, {"n", n}});
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

base::Result<std::string> sign(const tls::PrivateKey& key, std::string_view input) {
  if (const Curve* curve = curve_of(key)) {
    const std::string digest = digest_of(input, curve->digest());
    return ec_signature(EVP_PKEY_get0_EC_KEY(key.get()), *curve, digest);
  }
  if (rsa_of(key) == nullptr) return unsupported_key();
  return rsa_signature(key, input);
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
  const auto algorithm = algorithm_of(key);
  if (!algorithm) return base::fail(algorithm.error());
  std::string header;
  append_member(header, "alg", *algorithm);
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
  auto signature = sign(key, signing_input(header, payload));
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
