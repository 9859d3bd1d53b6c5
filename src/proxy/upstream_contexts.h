// The TLS contexts by which https upstreams are reached: what is trusted, who we are. Read once, at
// start, and shared by all workers.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "base/error.h"
#include "config/model.h"
#include "tls/context.h"

namespace gatehouse::proxy {

// Immutable once loaded; any thread.
class UpstreamContexts {
 public:
  // For all https upstreams of `config`. Reads files: before loops run. Error: kMalformed, a line
  // for each group that names its place in the configuration and the file.
  static base::Result<std::unique_ptr<UpstreamContexts>> load(const config::Config& config);

  // `http2`: whether HTTP/2 is offered beside HTTP/1.1 (ALPN, RFC 7301). Null for what was not in
  // the configuration.
  tls::ClientContext* find(const config::UpstreamTls& tls, bool http2) const;

 private:
  base::Result<void> add(const config::Proxy& group);
  base::Result<void> add(const config::UpstreamTls& tls, bool http2);

  std::map<std::string, std::unique_ptr<tls::ClientContext>> contexts_;
};

}  // namespace gatehouse::proxy
