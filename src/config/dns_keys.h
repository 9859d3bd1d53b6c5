// The keys of `dns`: who sets TXT records for an ACME issuer.
#pragma once

#include "config/codec.h"
#include "config/dns.h"

namespace gatehouse::config {

// {"command"|"rfc2136"|"webhook"|"acme_dns": {…}, …}.
struct DnsObject {
  using Value = Dns;
  static bool read(Decoder& d, const Node& node, Dns& out);
  static Schema schema();
};

}  // namespace gatehouse::config
