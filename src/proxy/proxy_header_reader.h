// A PROXY header at the beginning of a connection. On the worker's thread.
#pragma once

#include "base/socket.h"
#include "proxy/proxy_header_parser.h"

namespace gatehouse::proxy {

// Reads the header and not a byte behind it: TLS or HTTP begins where it ends. Errors, after which
// the connection is good for nothing: those of ProxyHeaderParser, kTimeout, kClosed, kReset,
// kCancelled.
base::Task<base::Result<ProxyHeaderParser>> read_proxy_header(base::Socket& socket,
                                                              base::Deadline deadline);

}  // namespace gatehouse::proxy
