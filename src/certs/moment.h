// Moments as logs show them, and JSON.
#pragma once

#include <string>

#include "base/clock.h"

namespace gatehouse::certs {

// "2030-01-31 12:00:00", in UTC.
std::string text_of(base::WallTime at);
// "2030-01-31T12:00:00Z" (RFC 3339).
std::string timestamp_of(base::WallTime at);

}  // namespace gatehouse::certs
