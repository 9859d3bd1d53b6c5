// Signed requests: flattened JSON Web Signatures (RFC 7515 7.2.2), the MACs of external account
// binding, and the names of keys (RFC 7517, RFC 7638). Accounts have P-256 keys; a certificate's
// own key, which may be of another kind, signs its revocation (RFC 8555 7.6).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "base/error.h"
#include "tls/key.h"

namespace gatehouse::acme {

// RFC 7518 3.2.
enum class MacAlgorithm : std::uint8_t { kHs256, kHs384, kHs512 };
std::string_view name(MacAlgorithm algorithm);

// The public part of `key` as a JWK in canonical form. Error: kUnsupported for what is neither
// P-256, P-384 nor RSA.
base::Result<std::string> jwk(const tls::PrivateKey& key);

// Canonical form of a JWK's required members: sorted, no spaces (RFC 7638 3.2).
std::string canonical_jwk(const std::map<std::string_view, std::string_view>& members);
// base64url of SHA-256 (RFC 7638 3).
std::string thumbprint(std::string_view canonical_jwk);

// What is signed (RFC 7515 5.1).
std::string signing_input(std::string_view protected_header, std::string_view payload);
// By ES256 or ES384 (r and s, padded: RFC 7518 3.4), or RS256 (3.3), as `key` is. About 20 us with
// P-256. Errors: kUnsupported as jwk(), kInternal.
base::Result<std::string> sign(const tls::PrivateKey& key, std::string_view input);
std::string mac(MacAlgorithm algorithm, std::string_view key, std::string_view input);

// {"protected", "payload", "signature"} as JSON.
std::string flattened(std::string_view protected_header, std::string_view payload,
                      std::string_view signature);

// The body of a POST to `url` (RFC 8555 6.2). Names the account `kid`, or, when that is empty,
// carries the key itself. An empty `nonce` is left out. `payload` is JSON, or empty for
// POST-as-GET. Errors: as sign().
base::Result<std::string> signed_request(const tls::PrivateKey& key, std::string_view kid,
                                         std::string_view nonce, std::string_view url,
                                         std::string_view payload);

// The externalAccountBinding of a new account (RFC 8555 7.3.4): `account_jwk` under the CA's key.
std::string external_account_binding(MacAlgorithm algorithm, std::string_view key_id,
                                     std::string_view mac_key, std::string_view url,
                                     std::string_view account_jwk);

}  // namespace gatehouse::acme
