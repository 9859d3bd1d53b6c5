#include "acme/jws.h"

#include <openssl/bn.h>
#include <openssl/digest.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>
#include <openssl/sha.h>

#include <array>
#include <vector>

#include "acme/base64url.h"
#include "base/log.h"

namespace gatehouse::acme {

namespace {

using base::log::append_json_string;

// What RFC 7518 calls a kind of key, and how it signs.
struct Kind {
  int key_type;  // EVP_PKEY_…
  int curve;
  std::string_view algorithm;
  std::string_view curve_name;
  std::size_t coordinate;  // bytes
  const EVP_MD* (*digest)();
};

constexpr std::array kKinds{
    Kind{EVP_PKEY_EC, NID_X9_62_prime256v1, "ES256", "P-256", 32, EVP_sha256},
    Kind{EVP_PKEY_EC, NID_secp384r1, "ES384", "P-384", 48, EVP_sha384},
    Kind{EVP_PKEY_RSA, NID_undef, "RS256", "", 0, EVP_sha256},
};

int curve_of(const EVP_PKEY* key) {
  const EC_KEY* ec = EVP_PKEY_get0_EC_KEY(key);
  return ec == nullptr ? NID_undef : EC_GROUP_get_curve_name(EC_KEY_get0_group(ec));
}

base::Result<const Kind*> kind_of(const tls::PrivateKey& key) {
  for (const Kind& kind : kKinds) {
    if (!key || EVP_PKEY_id(key.get()) != kind.key_type) continue;
    // Not asked of RSA: that would leave an error behind in this thread's queue.
    if (kind.curve == NID_undef || curve_of(key.get()) == kind.curve) return &kind;
  }
  return base::fail(base::Code::kUnsupported,
                    "a key that signs ACME requests must be ECDSA P-256 or P-384, or RSA");
}

std::unexpected<base::Error> no_memory() {
  return base::fail(base::Code::kInternal, "signing failed: out of memory or randomness");
}

std::string bytes_of(const BIGNUM* number) {
  std::string bytes(BN_num_bytes(number), '\0');
  BN_bn2bin(number, reinterpret_cast<std::uint8_t*>(bytes.data()));
  return bytes;
}

std::string padded(const BIGNUM* number, std::size_t size) {
  std::string bytes(size, '\0');
  if (!BN_bn2bin_padded(reinterpret_cast<std::uint8_t*>(bytes.data()), size, number)) return {};
  return bytes;
}

base::Result<std::string> ec_jwk(const EC_KEY* ec, const Kind& kind) {
  bssl::UniquePtr<BIGNUM> x(BN_new());
  bssl::UniquePtr<BIGNUM> y(BN_new());
  if (!x || !y ||
      !EC_POINT_get_affine_coordinates_GFp(EC_KEY_get0_group(ec), EC_KEY_get0_public_key(ec),
                                           x.get(), y.get(), nullptr)) {
    return no_memory();
  }
  const std::string x_text = base64url(padded(x.get(), kind.coordinate));
  const std::string y_text = base64url(padded(y.get(), kind.coordinate));
  return canonical_jwk({{"crv", kind.curve_name}, {"kty", "EC"}, {"x", x_text}, {"y", y_text}});
}

std::string rsa_jwk(const RSA* rsa) {
  const std::string n = base64url(bytes_of(RSA_get0_n(rsa)));
  const std::string e = base64url(bytes_of(RSA_get0_e(rsa)));
  return canonical_jwk({{"e", e}, {"kty", "RSA"}, {"n", n}});
}

// r and s in one row, of the DER that BoringSSL makes.
base::Result<std::string> in_a_row(base::Bytes der, std::size_t coordinate) {
  const bssl::UniquePtr<ECDSA_SIG> pair(ECDSA_SIG_from_bytes(der.data(), der.size()));
  if (!pair) return no_memory();
  return padded(ECDSA_SIG_get0_r(pair.get()), coordinate) +
         padded(ECDSA_SIG_get0_s(pair.get()), coordinate);
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
  const auto kind = kind_of(key);
  if (!kind) return base::fail(kind.error());
  if ((*kind)->key_type == EVP_PKEY_RSA) return rsa_jwk(EVP_PKEY_get0_RSA(key.get()));
  return ec_jwk(EVP_PKEY_get0_EC_KEY(key.get()), **kind);
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
  const auto kind = kind_of(key);
  if (!kind) return base::fail(kind.error());
  bssl::ScopedEVP_MD_CTX context;
  std::vector<std::uint8_t> out(static_cast<std::size_t>(EVP_PKEY_size(key.get())));
  std::size_t size = out.size();
  if (!EVP_DigestSignInit(context.get(), nullptr, (*kind)->digest(), nullptr, key.get()) ||
      !EVP_DigestSign(context.get(), out.data(), &size,
                      reinterpret_cast<const std::uint8_t*>(input.data()), input.size())) {
    return no_memory();
  }
  out.resize(size);
  if ((*kind)->key_type == EVP_PKEY_EC) return in_a_row(out, (*kind)->coordinate);
  return std::string(base::as_text(out));
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
  const auto kind = kind_of(key);
  if (!kind) return base::fail(kind.error());
  std::string header;
  append_member(header, "alg", (*kind)->algorithm);
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
