// Asks a running gatehouse on this machine whether it serves. For a container's HEALTHCHECK.
#pragma once

#include "base/error.h"
#include "config/model.h"

namespace gatehouse::proxy {

// Blocks, for 4 seconds at most. Errors: kRefused, kTimeout, kMalformed, saying which address.
base::Result<void> check_health(const config::Config& config);

}  // namespace gatehouse::proxy
