// What sites ask of their clients' certificates: the roots of every client_auth, read once, at
// start, and shared by all workers.
#pragma once

#include <map>
#include <memory>

#include "base/error.h"
#include "config/model.h"
#include "tls/client_auth.h"

namespace gatehouse::proxy {

// Immutable once loaded; any thread.
class ClientAuths {
 public:
  // For all sites of `config`. Reads files: before loops run. Errors: kIo, kMalformed naming the
  // place in the configuration and the file; a line each.
  static base::Result<std::unique_ptr<const ClientAuths>> load(const config::Config& config);

  // One that is in the configuration; never null then.
  const tls::ClientAuth* find(const config::ClientAuth& options) const;

 private:
  std::map<config::ClientAuth, std::unique_ptr<const tls::ClientAuth>> all_;
};

}  // namespace gatehouse::proxy
