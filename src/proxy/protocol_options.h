// What the configuration says about the protocols that we speak, with clients and with upstreams.
#pragma once

#include "config/model.h"
#include "http/http1_client.h"
#include "http/http1_server.h"
#include "http/http2_options.h"
#include "http/idle_clients.h"

namespace gatehouse::proxy {

// `abuse`: what counts the bounds that a client meets; `idle`: the worker's. They outlive the
// connection.
// `plain`: the connection is not TLS, so that no ALPN tells HTTP/2 from HTTP/1.1 (RFC 9113 3.3).
http::Http1ServerOptions http1_server_options(const config::Config& config,
                                              base::AbuseCounters& abuse, http::IdleClients& idle,
                                              bool plain);
http::Http2Options http2_server_options(const config::Config& config, base::AbuseCounters& abuse,
                                        http::IdleClients& idle);

http::Http1ClientOptions http1_client_options(const config::Config& config);
http::Http2Options http2_client_options(const config::Config& config);

}  // namespace gatehouse::proxy
