// Every bound that a user may change, with its unit, its default and the attack or trouble that it
// answers. 0 turns a bound off.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace gatehouse::config {

inline constexpr std::uint64_t kKiB = 1024;

// A bound on each client by itself: an IPv4 address or an IPv6 /64. Peers in trusted_proxies are
// never counted as one client; loopback and private addresses only by a bound that the user wrote,
// since behind a load balancer or Docker's proxy everybody has the same one.
struct PerClient {
  std::uint64_t most = 0;
  bool written = false;  // by the user, rather than a default
};

struct Limits {
  // Bytes of a request's head, request line included. Answers heads that never end. 431.
  std::uint64_t head_bytes = 32 * kKiB;
  // Fields of a head. Answers hash and list flooding. 431.
  std::uint64_t fields = 100;
  // Bytes of a request's body. Off: bodies are streamed in constant memory, so only the
  // application knows what is too much for it. 413.
  std::uint64_t body_bytes = 0;
  // Bytes a second, on average, of a request's body, and of a response whose reader is waited for;
  // looked at after 30 seconds of waiting. Answers bodies and readers that trickle. 408.
  std::uint64_t least_rate = 240;
  // Requests under way at once on one HTTP/2 connection, those included whose streams the client
  // has reset while an upstream still works on them. REFUSED_STREAM.
  std::uint64_t streams = 100;
  // Streams of one HTTP/2 connection that end by RST_STREAM, the client's or ours for a fault of
  // its: so many at once, ten a second after that. Answers rapid reset (CVE-2023-44487) and resets
  // that a client provokes (CVE-2025-8671). GOAWAY, as for all that follow.
  std::uint64_t stream_resets = 100;
  // Frames of one HTTP/2 connection within ten seconds that cost us more than the client:
  // CVE-2019-9515, -9512, -9513, -9518, -9511.
  std::uint64_t settings_frames = 50;
  std::uint64_t ping_frames = 100;
  std::uint64_t priority_frames = 100;        // and ten for each request
  std::uint64_t empty_frames = 100;           // DATA without data
  std::uint64_t window_update_frames = 1000;  // and ten for each DATA frame that we sent
  // Connections at once, all listeners together. Answers exhaustion of descriptors: off means
  // what the process may open, less what upstreams and files need.
  std::uint64_t connections = 0;
  // Connections at once of one client. Answers a single greedy client.
  PerClient connections_per_client{256};
  // Bytes of memory of the whole process, near which it takes no more work. Answers all that needs
  // memory, many small things and few large ones. Without a value: a part of what the machine has
  // for it (base::usable_memory).
  std::optional<std::uint64_t> memory;
  // Handshakes under way at once, all workers together. Answers handshake floods.
  std::uint64_t handshakes = 4096;
  // The same of one client.
  PerClient handshakes_per_client{512};
  // Handshakes that one client begins a second, five seconds' worth at once. Answers who makes us
  // compute without end.
  PerClient handshakes_per_second{20};
  // Handshakes that wait for a certificate at once, all workers together. Answers floods of
  // names on demand.
  std::uint64_t waiting_handshakes = 4096;
  // Orders at CAs under way at once.
  std::uint64_t orders = 32;
  // Names that were never seen before and reach `ask` or an order, a minute. Answers scanners
  // that try one name after another.
  std::uint64_t new_names_per_minute = 600;
};

struct Timeouts {
  base::Duration handshake{10'000};          // ClientHello to the end, waiting on demand apart
  base::Duration request_head{10'000};       // first byte to whole head: slowloris. 408
  base::Duration body_idle{60'000};          // between two pieces of a body, both ways: stalls
  base::Duration idle{75'000};               // keep-alive connection without a request
  base::Duration upstream_connect{3'000};    // resolve, connect and (later) TLS. 504
  base::Duration upstream_response{60'000};  // end of the request to the response's head. 504
  base::Duration stream_idle{3'600'000};     // tunnels, event streams, gRPC: silence in them
  base::Duration drain{9'000};               // after SIGTERM; below Docker's 10 s
};

}  // namespace gatehouse::config
