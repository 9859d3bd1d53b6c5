// When a CA wants to be asked again: the Retry-After field (RFC 9110 10.2.3), seconds or a date in
// any of HTTP's three forms; and what some say in words alone.
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

// The moment that the words of a problem name after "retry after", as Let's Encrypt's do: "…, retry
// after 2026-11-27 12:00:00 UTC: see https://…", or in the form of RFC 3339. As parse_retry_after.
std::optional<std::chrono::seconds> retry_after_in(std::string_view words, base::WallTime now);

// RFC 9110 5.6.7. Nothing for what is no date.
std::optional<base::WallTime> parse_http_date(std::string_view text);

}  // namespace gatehouse::acme
