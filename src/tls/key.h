// Private keys: made, written, read. Making one takes up to milliseconds (RSA: seconds), so it is
// done on a BlockingPool, never on a loop.
#pragma once

#include <openssl/base.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/error.h"

namespace gatehouse::tls {

enum class KeyType : std::uint8_t { kP256, kP384, kRsa2048, kRsa4096 };

// Kinds of key, one bit each: a client says of which it can check signatures (RFC 8446 4.2.3).
using KeyKinds = std::uint8_t;
inline constexpr KeyKinds kEcdsaP256 = 1;
inline constexpr KeyKinds kEcdsaP384 = 2;
inline constexpr KeyKinds kEcdsaP521 = 4;  // of certificates from files
inline constexpr KeyKinds kEcdsaKeys = kEcdsaP256 | kEcdsaP384 | kEcdsaP521;
inline constexpr KeyKinds kRsaKeys = 8;
inline constexpr KeyKinds kAllKeys = 0xff;

// An immutable key pair, shared by counting; copies are cheap. Usable from any thread.
class PrivateKey {
 public:
  PrivateKey() = default;
  explicit PrivateKey(bssl::UniquePtr<EVP_PKEY> key);

  // Blocks (see above). Error: kInternal when the random source or memory fails.
  static base::Result<PrivateKey> generate(KeyType type);
  // PKCS#8, SEC1 or PKCS#1 in PEM, unencrypted. Error: kMalformed, saying what was found instead.
  static base::Result<PrivateKey> from_pem(std::string_view pem);

  explicit operator bool() const { return key_ != nullptr; }
  EVP_PKEY* get() const { return key_.get(); }
  bool is_ecdsa() const;
  // One bit; none for a curve that TLS has no signature algorithm for.
  KeyKinds kind() const;
  // "p256", "rsa2048", … as the configuration calls it.
  std::string type_name() const;
  // PKCS#8 PEM. Secret.
  std::string pem() const;
  // SubjectPublicKeyInfo, DER: equal for equal keys.
  std::string public_der() const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
};

// All kinds of the same algorithm: kEcdsaKeys or kRsaKeys.
KeyKinds alike(const PrivateKey& key);

// DER of a PKCS#10 request (RFC 2986) for `names` (DNS names, or IP literals), all in the SAN, no
// common name. Signs, so it belongs on a BlockingPool.
base::Result<std::string> certificate_request(const PrivateKey& key,
                                              const std::vector<std::string>& names);

}  // namespace gatehouse::tls
