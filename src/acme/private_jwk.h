// Private keys as JWKs (RFC 7517, RFC 7518 6.2, 6.3): how certbot keeps those of accounts.
#pragma once

#include <string_view>

#include "base/error.h"
#include "tls/key.h"

namespace gatehouse::acme {

inline constexpr std::size_t kLargestJwk = 64 * 1024;  // bytes

// Errors: kMalformed (says which member), kUnsupported for a key of another kind, kTooLarge.
base::Result<tls::PrivateKey> key_of_jwk(std::string_view text);

}  // namespace gatehouse::acme
