// http and https URLs of requests that we make ourselves.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gatehouse::http {

struct Url {
  bool https = false;
  std::string host;  // lower case; an IPv6 address without brackets
  std::uint16_t port = 0;
  std::string authority;  // what Host says: host[:port], the scheme's own port left out
  std::string target;     // origin-form, "/" when the URL has no path

  Url() = default;
};

// Longest URL that is read.
inline constexpr std::size_t kUrlBytes = 8192;

// Error: kMalformed naming the URL and what is wrong: another scheme, no host, userinfo, a
// fragment, a byte that must be escaped.
base::Result<Url> parse_url(std::string_view text);

}  // namespace gatehouse::http
