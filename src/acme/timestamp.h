// Dates in ACME's documents (RFC 3339).
#pragma once

#include <optional>
#include <string_view>

#include "base/clock.h"

namespace gatehouse::acme {

// "2025-01-02T04:00:00Z", "2025-01-02T04:00:00.5+01:00": cut to whole seconds. Nothing for what is
// no date (RFC 3339 5.6), and for years before 1970.
std::optional<base::WallTime> parse_timestamp(std::string_view text);

}  // namespace gatehouse::acme
