// How a webhook's receiver knows that we sent it: Standard Webhooks 1.0 (standardwebhooks.com), so
// that its libraries can be used, or five lines of one's own (docs/hooks.md).
#pragma once

#include <string>
#include <string_view>

#include "base/clock.h"

namespace gatehouse::certs {

// The HMAC key that a secret of the configuration stands for: what follows "whsec_" decoded from
// base64; the bytes themselves of any other.
std::string webhook_key(std::string_view secret);

// "v1," and the HMAC-SHA256 of "ID.SECONDS.BODY" in base64.
std::string webhook_signature(std::string_view key, std::string_view id, base::WallTime at,
                              std::string_view body);

}  // namespace gatehouse::certs
