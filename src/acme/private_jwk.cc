#include "acme/private_jwk.h"

#include <openssl/bn.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/rsa.h>

#include <array>
#include <string>

#include "acme/base64url.h"
#include "acme/document.h"

namespace gatehouse::acme {

namespace {

using Number = bssl::UniquePtr<BIGNUM>;

// Null when it is none.
Number bignum_at(const Json& object, const char* member) {
  const auto bytes = decode_base64(text_at(object, member));
  if (!bytes || bytes->empty()) return nullptr;
  return Number(
      BN_bin2bn(reinterpret_cast<const std::uint8_t*>(bytes->data()), bytes->size(), nullptr));
}

std::unexpected<base::Error> bad_jwk(const std::string& what) {
  ERR_clear_error();
  return base::fail(base::Code::kMalformed, "a private JWK " + what);
}

base::Result<tls::PrivateKey> rsa_key(const Json& object) {
  constexpr std::array kMembers{"n", "e", "d", "p", "q", "dp", "dq", "qi"};
  std::array<Number, kMembers.size()> parts;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    parts[i] = bignum_at(object, kMembers[i]);
    if (!parts[i]) return bad_jwk("without the number \"" + std::string(kMembers[i]) + "\"");
  }
  auto& [n, e, d, p, q, dp, dq, qi] = parts;
  const bssl::UniquePtr<RSA> rsa(RSA_new());
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  // Each takes what it is given.
  if (!RSA_set0_key(rsa.get(), n.release(), e.release(), d.release()) ||
      !RSA_set0_factors(rsa.get(), p.release(), q.release()) ||
      !RSA_set0_crt_params(rsa.get(), dp.release(), dq.release(), qi.release()) ||
      !RSA_check_key(rsa.get()) || !EVP_PKEY_set1_RSA(key.get(), rsa.get())) {
    return bad_jwk("whose numbers are no RSA key");
  }
  return tls::PrivateKey(std::move(key));
}

base::Result<tls::PrivateKey> ec_key(const Json& object) {
  const std::string curve = text_at(object, "crv");
  const int nid = curve == "P-256" ? NID_X9_62_prime256v1 : curve == "P-384" ? NID_secp384r1 : 0;
  if (nid == 0) {
    return base::fail(base::Code::kUnsupported, "a private JWK of the curve \"" + curve + "\"");
  }
  const Number x = bignum_at(object, "x");
  const Number y = bignum_at(object, "y");
  const Number d = bignum_at(object, "d");
  const bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(nid));
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (!x || !y || !d || !EC_KEY_set_public_key_affine_coordinates(ec.get(), x.get(), y.get()) ||
      !EC_KEY_set_private_key(ec.get(), d.get()) || !EC_KEY_check_key(ec.get()) ||
      !EVP_PKEY_set1_EC_KEY(key.get(), ec.get())) {
    return bad_jwk("whose numbers are no key of its curve");
  }
  return tls::PrivateKey(std::move(key));
}

}  // namespace

base::Result<tls::PrivateKey> key_of_jwk(std::string_view text) {
  if (text.size() > kLargestJwk) {
    return base::fail(base::Code::kTooLarge, "a private JWK of more than 64 KiB");
  }
  const auto object = parse_object(text);
  if (!object) return bad_jwk("that is no JSON object");
  const std::string kind = text_at(*object, "kty");
  if (kind == "RSA") return rsa_key(*object);
  if (kind == "EC") return ec_key(*object);
  return base::fail(base::Code::kUnsupported, "a private JWK of the kind \"" + kind + "\"");
}

}  // namespace gatehouse::acme
