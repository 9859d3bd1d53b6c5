#include "tls/key.h"

#include <openssl/bio.h>
#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/nid.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include "tls/pem.h"

namespace gatehouse::tls {

namespace {

bssl::UniquePtr<EVP_PKEY> make_ec(int curve) {
  bssl::UniquePtr<EC_KEY> ec(EC_KEY_new_by_curve_name(curve));
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (!ec || !EC_KEY_generate_key(ec.get()) || !EVP_PKEY_set1_EC_KEY(key.get(), ec.get())) {
    return nullptr;
  }
  return key;
}

bssl::UniquePtr<EVP_PKEY> make_rsa(int bits) {
  bssl::UniquePtr<RSA> rsa(RSA_new());
  bssl::UniquePtr<BIGNUM> exponent(BN_new());
  bssl::UniquePtr<EVP_PKEY> key(EVP_PKEY_new());
  if (!BN_set_word(exponent.get(), RSA_F4) ||
      !RSA_generate_key_ex(rsa.get(), bits, exponent.get(), nullptr) ||
      !EVP_PKEY_set1_RSA(key.get(), rsa.get())) {
    return nullptr;
  }
  return key;
}

// For the message only: what kind of text it is instead of a key.
std::string found_instead(std::string_view pem) {
  const auto begin = pem.find("-----BEGIN ");
  if (begin == std::string_view::npos) return "no PEM block";
  const auto label = pem.substr(begin + 11, 40);
  return "a PEM block of " + std::string(label.substr(0, label.find("-----")));
}

}  // namespace

PrivateKey::PrivateKey(bssl::UniquePtr<EVP_PKEY> key)
    : key_(key.release(), [](EVP_PKEY* owned) { EVP_PKEY_free(owned); }) {}

base::Result<PrivateKey> PrivateKey::generate(KeyType type) {
  bssl::UniquePtr<EVP_PKEY> key;
  switch (type) {
    case KeyType::kP256: key = make_ec(NID_X9_62_prime256v1); break;
    case KeyType::kP384: key = make_ec(NID_secp384r1); break;
    case KeyType::kRsa2048: key = make_rsa(2048); break;
    case KeyType::kRsa4096: key = make_rsa(4096); break;
  }
  if (!key) return base::fail(base::Code::kInternal, "cannot generate a private key");
  return PrivateKey(std::move(key));
}

base::Result<PrivateKey> PrivateKey::from_pem(std::string_view pem) {
  if (pem.size() > kMostPem) {
    return base::fail(base::Code::kTooLarge, "a private key of more than 1 MiB");
  }
  // Without a passphrase callback the library would ask on the terminal.
  const auto no_passphrase = [](char*, int, int, void*) { return 0; };
  bssl::UniquePtr<BIO> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(bio.get(), nullptr, no_passphrase, nullptr));
  ERR_clear_error();
  if (!key) {
    return base::fail(base::Code::kMalformed,
                      "no unencrypted private key in PEM; found " + found_instead(pem));
  }
  const int kind = EVP_PKEY_id(key.get());
  if (kind != EVP_PKEY_EC && kind != EVP_PKEY_RSA) {
    return base::fail(base::Code::kUnsupported, "a private key that is neither ECDSA nor RSA");
  }
  return PrivateKey(std::move(key));
}

bool PrivateKey::is_ecdsa() const { return EVP_PKEY_id(key_.get()) == EVP_PKEY_EC; }

KeyKinds PrivateKey::kind() const {
  if (!is_ecdsa()) return kRsaKeys;
  switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key_.get())))) {
    case NID_X9_62_prime256v1: return kEcdsaP256;
    case NID_secp384r1: return kEcdsaP384;
    case NID_secp521r1: return kEcdsaP521;
    default: return 0;
  }
}

KeyKinds alike(const PrivateKey& key) { return key.is_ecdsa() ? kEcdsaKeys : kRsaKeys; }

std::string PrivateKey::type_name() const {
  return (is_ecdsa() ? "p" : "rsa") + std::to_string(EVP_PKEY_bits(key_.get()));
}

std::string PrivateKey::pem() const {
  bssl::ScopedCBB cbb;
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (!CBB_init(cbb.get(), 256) || !EVP_marshal_private_key(cbb.get(), key_.get()) ||
      !CBB_finish(cbb.get(), &data, &size)) {
    return {};
  }
  bssl::UniquePtr<std::uint8_t> owned(data);
  auto text = pem_block("PRIVATE KEY", {reinterpret_cast<const char*>(data), size});
  OPENSSL_cleanse(data, size);
  return text;
}

std::string PrivateKey::public_der() const {
  bssl::ScopedCBB cbb;
  std::uint8_t* data = nullptr;
  std::size_t size = 0;
  if (!CBB_init(cbb.get(), 128) || !EVP_marshal_public_key(cbb.get(), key_.get()) ||
      !CBB_finish(cbb.get(), &data, &size)) {
    return {};
  }
  bssl::UniquePtr<std::uint8_t> owned(data);
  return std::string(reinterpret_cast<const char*>(data), size);
}

}  // namespace gatehouse::tls
