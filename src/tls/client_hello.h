// What a ClientHello asks for, copied out of it: BoringSSL's own view dies with the callback.
#pragma once

#include <string>
#include <string_view>

#include "tls/key.h"

namespace gatehouse::tls {

// RFC 8446 4.1.2, RFC 6066 3, RFC 7301.
struct ClientHello {
  // The SNI host name in lower case without a final dot; empty when there was none.
  std::string server_name;
  // The ALPN list has exactly one entry, "acme-tls/1" (RFC 8737 3): a CA asks for a challenge.
  bool acme_challenge = false;
  // Of which keys the client can check signatures (4.2.3; for TLS 1.2 also by its cipher suites and
  // groups, RFC 8422 2.2).
  KeyKinds keys = kAllKeys;
};

// Whether `name` is a host name that may own a certificate: LDH labels of 1 to 63 bytes, 253 bytes
// in all, lower case, at most 10 labels, no IP literal, last label not all digits. `_` is refused.
bool is_host_name(std::string_view name);

}  // namespace gatehouse::tls
