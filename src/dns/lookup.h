// What a name is an alias of, which zone it is in, and who serves that zone.
#pragma once

#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/loop.h"
#include "dns/exchange.h"

namespace gatehouse::dns {

// A server that must show what was set; asked at the first of its addresses that answers.
struct NameServer {
  std::string name;
  std::vector<base::Endpoint> addresses;
};

// The servers of /etc/resolv.conf, as the C library would ask them, three at most; 127.0.0.1 when
// there are none. Reads the file: on the blocking pool.
std::vector<base::Endpoint> system_resolvers(const std::string& file = "/etc/resolv.conf");

// One loop, its thread.
class Lookup {
 public:
  static constexpr unsigned kAliases = 8;       // CNAMEs followed, one after another
  static constexpr std::size_t kServers = 16;   // of a zone
  static constexpr std::size_t kAddresses = 4;  // of a server

  // `resolvers` are asked in this order until one answers. `port`: where servers of zones listen.
  Lookup(base::Loop& loop, std::vector<base::Endpoint> resolvers, std::uint16_t port = kPort)
      : loop_(loop), resolvers_(std::move(resolvers)), port_(port) {}

  // Errors: that of the last resolver.
  base::Task<base::Result<Answer>> ask(std::string name, Type type, base::Deadline deadline);
  // Where the chain of CNAMEs at `name` ends; `name` itself when it is no alias. Errors: kMalformed
  // for a chain that is a ring or longer than kAliases.
  base::Task<base::Result<std::string>> canonical(std::string name, base::Deadline deadline);
  // The zone that `name` is in (RFC 1034 4.2): the nearest ancestor with a SOA. kNotFound if none.
  base::Task<base::Result<std::string>> zone_of(std::string name, base::Deadline deadline);
  // The servers that the zone names, with their addresses; IPv4 first. kNotFound when there is
  // none.
  base::Task<base::Result<std::vector<NameServer>>> servers_of(std::string zone,
                                                               base::Deadline deadline);

 private:
  base::Task<base::Result<std::vector<base::Endpoint>>> addresses_of(std::string host,
                                                                     base::Deadline deadline);

  base::Loop& loop_;
  std::vector<base::Endpoint> resolvers_;
  std::uint16_t port_;
};

// The zone that an answer to a question for the SOA of `name` tells of, or empty.
std::string zone_in(const Answer& answer, std::string_view name);

// The name without its first label; empty after the last.
std::string parent_of(std::string_view name);

}  // namespace gatehouse::dns
