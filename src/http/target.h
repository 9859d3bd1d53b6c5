// Request-targets, authorities and paths (RFC 9112 3.2, RFC 3986), read strictly: what two parties
// could read differently is refused.
#pragma once

#include <string_view>

#include "base/recycled.h"

namespace gatehouse::http {

// Longest host that is accepted (a DNS name has at most 253 bytes).
inline constexpr std::size_t kHostBytes = 255;

// Writes `text` as host[:port] to `out`: lower case, no final dot, the port without leading zeros
// and left out when it was empty. Accepts names of letters, digits, "-", "_" and ".", IPv4, and
// IPv6 in brackets. False for anything else: empty, a list, userinfo, a bad port.
bool normalise_authority(std::string_view text, base::Text& out);

// Writes the canonical form of `path` ("/…", without query) to `out`, for routing, access rules and
// logs: unreserved characters decoded, other escapes in upper case, dot segments removed. False
// when it is no path, or one that an upstream might walk differently: %00, bad escapes, raw
// backslash, ".." above the root, and dot segments behind an encoded slash or backslash ("..%2f")
// or before a parameter ("..;").
bool normalise_path(std::string_view path, base::Text& out);

// What a request-target says. Views into the text it was read from.
struct TargetParts {
  enum class Form { kOrigin, kAbsolute, kAsterisk };
  Form form = Form::kOrigin;
  std::string_view authority;  // of absolute-form, as received
  std::string_view path;       // empty in "http://host" and "http://host?query"
  std::string_view query;      // with its "?", or empty
};

// Splits origin-form, absolute-form (http and https) and "*". False for everything else, among it
// authority-form, fragments, and bytes that no target may hold.
bool split_target(std::string_view target, TargetParts& out);

}  // namespace gatehouse::http
