#include "certs/dns_provider.h"

#include <variant>

#include "certs/dns_acme_dns.h"
#include "certs/dns_command.h"
#include "certs/dns_update.h"
#include "certs/dns_webhook.h"

namespace gatehouse::certs {

base::Task<base::Result<void>> DnsProvider::prepare(std::string, std::string, base::Deadline) {
  co_return base::Result<void>();
}

std::unique_ptr<DnsProvider> make_dns_provider(DnsProviderParts parts, const config::Dns& wanted) {
  if (const auto* command = std::get_if<config::DnsCommand>(&wanted.provider)) {
    return std::make_unique<DnsCommand>(parts, *command);
  }
  if (const auto* update = std::get_if<config::DnsUpdate>(&wanted.provider)) {
    return std::make_unique<DnsUpdate>(parts, *update);
  }
  if (const auto* webhook = std::get_if<config::DnsWebhook>(&wanted.provider)) {
    return std::make_unique<DnsWebhook>(parts, *webhook);
  }
  return std::make_unique<DnsAcmeDns>(parts, std::get<config::DnsAcmeDns>(wanted.provider));
}

}  // namespace gatehouse::certs
