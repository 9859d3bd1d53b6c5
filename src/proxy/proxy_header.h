// The header by which a proxy tells the next server whose connection it passes on (HAProxy's PROXY
// protocol, versions 1 and 2). Writing alone.
#pragma once

#include <string>
#include <string_view>

#include "base/endpoint.h"

namespace gatehouse::proxy {

// With which version 2 begins.
inline constexpr std::string_view kProxyHeaderSignature("\r\n\r\n\0\r\nQUIT\n", 12);

// The whole header, `version` 1 or 2. `client`: where the connection came from; `server`: where it
// was accepted. Of two families, the IPv4 address is written as an IPv6 one (RFC 4291 section
// 2.5.5.2). Where either is no IP address nothing is claimed: "UNKNOWN" (version 1) or UNSPEC
// (version 2).
std::string proxy_header(int version, const base::Endpoint& client, const base::Endpoint& server);

}  // namespace gatehouse::proxy
