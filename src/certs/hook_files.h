// What the hooks of a configuration need of the file system, looked at before anything runs.
#pragma once

#include "base/error.h"
#include "config/model.h"

namespace gatehouse::certs {

// Whether programs can be run, and the trust roots of webhooks be read. Blocks. Errors name place
// and file; a line each.
base::Result<> check_hook_files(const config::Config& config);

}  // namespace gatehouse::certs
