// What bounds an HTTP/2 connection, on either side of the proxy (RFC 9113 10.5).
#pragma once

#include <cstdint>

#include "base/abuse_counters.h"
#include "base/clock.h"
#include "base/memory_budget.h"
#include "http/head_limits.h"
#include "http/idle_clients.h"

namespace gatehouse::http {

// Frames that cost the receiver more than the sender, each kind for itself: how many may come in
// Http2Floods::kWindow. 0 turns a bound off.
struct Http2FloodLimits {
  std::uint32_t settings = 50;          // CVE-2019-9515
  std::uint32_t pings = 100;            // CVE-2019-9512
  std::uint32_t priorities = 100;       // CVE-2019-9513; and ten more for each stream opened
  std::uint32_t empty_data = 100;       // CVE-2019-9518
  std::uint32_t window_updates = 1000;  // CVE-2019-9511; and ten more for each DATA frame we sent
  // Streams that ended by RST_STREAM, the peer's (CVE-2023-44487) or ours for an error of the
  // peer's (CVE-2025-8671): a bucket of this size, which ten a second and every stream that ends
  // well fill up again; and a bound over a connection's life, see Http2Floods.
  std::uint32_t resets = 100;
};

struct Http2Options {
  // Decoded sizes: each field counts name, value and 32 bytes (RFC 9113 6.5.2).
  HeadLimits head;
  std::uint64_t body_bytes = 0;  // of a request; 413 beyond, 0 for no limit
  std::uint32_t streams = 100;   // exchanges under way at once on a server's connection
  Http2FloodLimits floods;
  base::Duration request_head{10'000};    // first byte of a head to its end
  base::Duration response_head{60'000};   // client side: from the last byte of the request sent
  base::Duration body_idle{60'000};       // between two pieces of a body
  base::Duration stream_idle{3'600'000};  // the same where silence is no fault (may_be_silent)
  base::Duration write_stall{60'000};     // for a piece to leave, window and all
  // A server's: bytes a second, on average, of a request's body, and of a response whose reader we
  // wait for. Looked at after `rate_grace` of waiting; not where silence is no fault.
  std::uint64_t least_rate = 240;
  base::Duration rate_grace{30'000};
  base::AbuseCounters* abuse = nullptr;  // may be null; else outlives the connection
  IdleClients* idle_clients = nullptr;   // a server's; the same
  // The same. Where memory is short, windows do not grow, a stream's output is one piece, and a
  // client is not read whose bodies lie here unread.
  const base::MemoryBudget* memory = nullptr;
  base::Duration idle{180'000};        // a server's connection without a stream
  base::Duration ping{30'000};         // silence, with streams open, before we ask by a PING
  base::Duration ping_answer{15'000};  // and for its answer

  Http2Options() = default;
};

}  // namespace gatehouse::http
