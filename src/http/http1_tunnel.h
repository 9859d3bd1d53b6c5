// Reading the raw bytes of a tunnel (RFC 9110 7.8), the same on both sides of the proxy. A tunnel
// may be silent for hours, so it holds no memory while it waits.
#pragma once

#include "http/inbox.h"
#include "tls/transport.h"

namespace gatehouse::http {

// Waits for bytes, without a limit in time, and puts them into `inbox`, which is empty. How many;
// 0 when the peer has ended its side. Errors: kReset, kCancelled, kTls.
base::Task<base::Result<std::size_t>> receive(tls::Transport& transport, Inbox& inbox);

// All that lies in `inbox` as one slice.
base::Chunk take_all(Inbox& inbox);

}  // namespace gatehouse::http
