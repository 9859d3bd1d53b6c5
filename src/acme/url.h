// URLs that a CA hands out, before we send anything to them.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"

namespace gatehouse::acme {

inline constexpr std::size_t kUrlBytes = 2048;

// Whether ACME may be spoken to `url`: https (RFC 8555 6.1), or, for test CAs, http to a loopback
// host (localhost, 127.0.0.0/8, [::1]); absolute, printable ASCII, no user, no fragment.
// Error: kMalformed or kDenied, saying what is wrong.
base::Result<void> check_url(std::string_view url);

// `reference`, found in an answer from `base_url`: absolute, or a path on the same host. A CA that
// is reached by https cannot send us to http. Errors: as check_url; kMalformed when empty.
base::Result<std::string> resolve_url(std::string_view base_url, std::string_view reference);

}  // namespace gatehouse::acme
