// Certificates that sites have in files, and whose keys others know.
#pragma once

#include "base/blocking_pool.h"
#include "base/loop.h"
#include "certs/certificate_events.h"
#include "config/model.h"
#include "storage/storage.h"
#include "tls/certificate_store.h"

namespace gatehouse::certs {

// Looks at the keys of the sites' files once, and serves none any more that is compromised
// (certs/compromised_keys.h). At start, beside the listeners; all outlive it.
base::Task<void> withdraw_compromised_files(base::BlockingPool& blocking, storage::Storage& storage,
                                            const config::Config& config,
                                            tls::CertificateStore& certificates,
                                            CertificateEvents* events = nullptr);

}  // namespace gatehouse::certs
