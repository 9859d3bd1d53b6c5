// Who sets TXT records for dns-01, and how it is seen that they are set.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/clock.h"

namespace gatehouse::config {

// A server that speaks DNS: "192.0.2.53", "ns.example:5353", "[2001:db8::53]".
struct DnsServer {
  std::string host;  // an IP address without brackets, or a name
  std::uint16_t port = 53;

  bool operator==(const DnsServer&) const = default;
};

// PROGRAM present|cleanup FQDN VALUE.
struct DnsCommand {
  std::string program;             // absolute path
  base::Duration timeout{60'000};  // of one call

  bool operator==(const DnsCommand&) const = default;
};

// Dynamic updates (RFC 2136) with TSIG (RFC 8945).
struct DnsUpdate {
  enum class Algorithm : std::uint8_t { kHmacSha256, kHmacSha512 };
  DnsServer server;
  std::string key_name;
  std::string key;  // base64. Secret.
  Algorithm algorithm = Algorithm::kHmacSha256;

  bool operator==(const DnsUpdate&) const = default;
};

// POST URL/present and URL/cleanup.
struct DnsWebhook {
  std::string url;
  std::string token;    // bearer token; empty: none. Secret.
  std::string ca_file;  // PEM roots for https; empty: the system's

  bool operator==(const DnsWebhook&) const = default;
};

// A server of acme-dns, and an account there, as its /register has given it; without one, each name
// gets an account of its own.
struct DnsAcmeDns {
  std::string url;
  std::string username;  // empty as `password` and `subdomain` are: no account
  std::string password;  // Secret.
  std::string subdomain;
  std::string ca_file;  // PEM roots for https; empty: the system's

  bool operator==(const DnsAcmeDns&) const = default;
};

struct Dns {
  std::variant<DnsCommand, DnsUpdate, DnsWebhook, DnsAcmeDns> provider;
  std::vector<DnsServer> resolvers;               // IP addresses; empty: the system's
  std::optional<std::vector<DnsServer>> servers;  // IP addresses, instead of the zone's own
  base::Duration propagation_timeout{120'000};

  bool operator==(const Dns&) const = default;
};

}  // namespace gatehouse::config
