#include "certs/dns_update.h"

#include <utility>

namespace gatehouse::certs {

DnsUpdate::DnsUpdate(DnsProviderParts parts, config::DnsUpdate options)
    : parts_(parts),
      options_(std::move(options)),
      id_("rfc2136 " + options_.server.host + " " + std::to_string(options_.server.port)) {}

base::Task<base::Result<void>> DnsUpdate::add(std::string name, std::string value,
                                              base::Deadline deadline) {
  return change(dns::Change::kAdd, std::move(name), std::move(value), deadline);
}

base::Task<base::Result<void>> DnsUpdate::remove(std::string name, std::string value,
                                                 base::Deadline deadline) {
  return change(dns::Change::kRemove, std::move(name), std::move(value), deadline);
}

base::Task<base::Result<void>> DnsUpdate::change(dns::Change change, std::string name,
                                                 std::string value, base::Deadline deadline) {
  dns::TsigKey key;
  key.name = options_.key_name;
  key.algorithm = options_.algorithm == config::DnsUpdate::Algorithm::kHmacSha512
                      ? dns::TsigAlgorithm::kHmacSha512
                      : dns::TsigAlgorithm::kHmacSha256;
  auto secret = dns::read_secret(options_.key);
  if (!secret) co_return base::fail(std::move(secret.error()));
  key.secret = std::move(*secret);
  auto servers = co_await parts_.resolver.resolve(parts_.loop, options_.server.host,
                                                  options_.server.port, deadline);
  if (!servers) co_return base::fail(std::move(servers.error()));
  base::Result<void> changed =
      base::fail(base::Code::kNotFound, base::Side::kUpstream, base::Retry::kYes,
                 options_.server.host + " has no address");
  for (const base::Endpoint& server : *servers) {
    changed = co_await dns::update(parts_.loop, server, key, change, name, value, deadline);
    // Who has answered would say the same at its other addresses.
    if (changed || changed.error().code == base::Code::kDenied || deadline.passed()) break;
  }
  co_return changed;
}

}  // namespace gatehouse::certs
