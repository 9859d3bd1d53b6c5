// Leases among processes that share a folder: a locked file a lease, which the kernel frees when
// its owner dies, so that nobody judges another by a clock. Works on local file systems and on
// those of a network that pass fcntl locks to their server (NFSv4). Blocking calls: for a
// BlockingPool.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>

#include "base/blocking_pool.h"
#include "base/error.h"
#include "storage/storage.h"

namespace gatehouse::storage {

// Tries once to take the lease called `name` under `folder`. `pool` is where it is given back; it
// must outlive the lease. Errors: kOverload when another holds it; kIo, kDenied.
base::Result<Lease> try_lease(const std::filesystem::path& folder, const std::string& name,
                              base::BlockingPool& pool);

}  // namespace gatehouse::storage
