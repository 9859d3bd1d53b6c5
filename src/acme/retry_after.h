// The Retry-After field (RFC 9110 10.2.3): seconds, or a date in any of HTTP's three forms.
#pragma once

#include <chrono>
#include <optional>
#include <string_view>

#include "base/clock.h"

namespace gatehouse::acme {

// CAs' longest windows are a week; a longer value is cut to it.
inline constexpr std::chrono::seconds kLongestRetryAfter{7 * 24 * 3600};

// How long to wait from `now` on; 0 for a date that has passed. Nothing for anything else.
std::optional<std::chrono::seconds> parse_retry_after(std::string_view value, base::WallTime now);

// RFC 9110 5.6.7. Nothing for what is no date.
std::optional<base::WallTime> parse_http_date(std::string_view text);

}  // namespace gatehouse::acme
