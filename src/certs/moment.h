// Moments as logs show them.
#pragma once

#include <string>

#include "base/clock.h"

namespace gatehouse::certs {

// "2030-01-31 12:00:00", in UTC.
std::string text_of(base::WallTime at);

}  // namespace gatehouse::certs
