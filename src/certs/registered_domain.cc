#include "certs/registered_domain.h"

#include <libpsl.h>
#include <netinet/in.h>

#include <algorithm>

#include "base/endpoint.h"

namespace gatehouse::certs {

namespace {

std::string network_of(const base::Endpoint& address) {
  if (address.family() != AF_INET6) return address.host();
  sockaddr_in6 network = *reinterpret_cast<const sockaddr_in6*>(address.address());
  std::fill(network.sin6_addr.s6_addr + 8, network.sin6_addr.s6_addr + 16, std::uint8_t(0));
  return base::Endpoint(reinterpret_cast<const sockaddr*>(&network), sizeof network).host();
}

}  // namespace

std::string registered_domain(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  if (const auto address = base::Endpoint::from_ip(name, 0)) return network_of(*address);
  const std::string host(name);
  const char* found = psl_registrable_domain(psl_builtin(), host.c_str());
  return found == nullptr ? host : std::string(found);
}

}  // namespace gatehouse::certs
