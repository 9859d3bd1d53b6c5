// Whom a request comes from, and how it is told from others: what its forwarding fields say, as far
// as they are believed.
#pragma once

#include <span>
#include <string_view>

#include "base/ip_range.h"
#include "http/message.h"
#include "proxy/client_facts.h"

namespace gatehouse::proxy {

// Facts of one request.
struct RequestFacts {
  base::Text client_ip;        // of whom a trusted proxy names, else of the connection
  bool is_https = false;       // how that client asked
  bool is_local = false;       // no proxy stands between, and the client is this machine
  base::Text host;             // what a trusted proxy was asked for, if it says so
  bool has_forwarded = false;  // Forwarded is what was believed, and goes on
  base::Text request_id;       // of a trusted peer, or made here
  base::Text trace_id;         // of a trusted peer's traceparent; empty: that does not go on

  std::string_view scheme() const { return is_https ? "https" : "http"; }
};

// From a trusted peer X-Forwarded-For, or Forwarded where that is missing, is read from the right:
// addresses of trusted proxies are passed over, the first other is the client's, and what stands
// left of it is nobody's word. Of X-Forwarded-Proto and -Host (proto and host of Forwarded) counts
// what the proxy that saw the client said. A peer that is not trusted is the client.
RequestFacts facts_of(const http::RequestHead& head, const ClientFacts& peer,
                      std::span<const base::IpRange> trusted);

}  // namespace gatehouse::proxy
