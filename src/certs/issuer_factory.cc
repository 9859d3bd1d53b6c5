#include "certs/issuer_factory.h"

#include <algorithm>
#include <memory>
#include <utility>
#include <variant>

#include "certs/acme_issuer.h"
#include "certs/internal_issuer.h"
#include "config/known_cas.h"

namespace gatehouse::certs {

namespace {

acme::MacAlgorithm mac_of(config::ExternalAccount::Algorithm algorithm) {
  switch (algorithm) {
    case config::ExternalAccount::Algorithm::kHs256: return acme::MacAlgorithm::kHs256;
    case config::ExternalAccount::Algorithm::kHs384: return acme::MacAlgorithm::kHs384;
    case config::ExternalAccount::Algorithm::kHs512: return acme::MacAlgorithm::kHs512;
  }
  return acme::MacAlgorithm::kHs256;
}

std::vector<base::Endpoint> endpoints_of(const std::vector<config::DnsServer>& servers) {
  std::vector<base::Endpoint> endpoints;
  for (const config::DnsServer& server : servers) {
    const auto endpoint = base::Endpoint::from_ip(server.host, server.port);
    if (endpoint) endpoints.push_back(*endpoint);
  }
  return endpoints;
}

// The listeners of `config` as they are reached from this machine.
std::vector<OwnListener> own_listeners(const config::Listen& listen) {
  std::vector<OwnListener> own;
  const auto add = [&](const std::vector<config::Address>& addresses, bool tls) {
    for (const config::Address& address : addresses) {
      const std::string host = address.host.empty() ? "127.0.0.1" : address.host;
      auto at = address.unix_path.empty() ? base::Endpoint::from_ip(host, address.port)
                                          : base::Endpoint::from_unix(address.unix_path);
      // Of port 0 only the kernel knows which it is.
      const bool known = at && (!at->is_ip() || at->port() != 0);
      if (known) own.emplace_back(std::move(*at), tls);
    }
  };
  add(listen.https, true);
  add(listen.http, false);
  return own;
}

// The e-mails of other accounts that the configuration has at the same CA.
std::vector<std::string> other_emails(const config::Config& config,
                                      const config::AcmeIssuer& wanted) {
  std::vector<std::string> emails;
  for (const config::AcmeIssuer* other : acme_issuers(config)) {
    const bool another = other->directory == wanted.directory && other->email != wanted.email;
    if (another) emails.push_back(other->email);
  }
  return emails;
}

}  // namespace

std::vector<const config::AcmeIssuer*> acme_issuers(const config::Config& config) {
  static const config::AcmeIssuer kDefault;
  std::vector<const config::AcmeIssuer*> all;
  const auto add = [&](const std::vector<config::Issuer>& issuers) {
    for (const config::Issuer& issuer : issuers) {
      if (const auto* acme = std::get_if<config::AcmeIssuer>(&issuer)) all.push_back(acme);
    }
  };
  add(config.tls.issuers);
  for (const config::Site& site : config.sites) add(site.tls.issuers);
  if (config.tls.issuers.empty()) all.push_back(&kDefault);
  return all;
}

AcmeOptions acme_options(const config::AcmeIssuer& wanted, const config::Config& config) {
  const bool https = !config.listen.https.empty();
  const bool http = !config.listen.http.empty();
  AcmeOptions options;
  options.directory = wanted.directory;
  options.email = wanted.email;
  options.other_emails = other_emails(config, wanted);
  options.account_key_age = wanted.account_key_age;
  options.ca_file = wanted.ca_file;
  options.user_agent = user_agent();
  options.profile = wanted.profile.name;
  options.profile_required = wanted.profile.required;
  options.preferred_chain = wanted.preferred_chain;
  options.preflight = wanted.preflight;
  options.listeners = own_listeners(config.listen);
  options.proxied = config.listen.proxy_protocol;
  if (wanted.dns) options.resolvers = endpoints_of(wanted.dns->resolvers);
  const config::KnownCa* known = config::find_known_ca_at(wanted.directory);
  if (known != nullptr) options.address_profile = known->address_profile;
  if (wanted.eab) {
    acme::ExternalAccount external;
    external.key_id = wanted.eab->key_id;
    external.hmac_key = wanted.eab->hmac_key;
    external.algorithm = mac_of(wanted.eab->algorithm);
    options.external = std::move(external);
  }
  options.challenges.clear();
  options.dns = DnsUse::kWildcards;
  for (const config::Challenge challenge : wanted.challenges) {
    if (challenge == config::Challenge::kDns01 && wanted.dns) {
      options.challenges.push_back(acme::ChallengeType::kDns01);
      options.dns = DnsUse::kAll;
    }
    if (challenge == config::Challenge::kDnsAccount01 && wanted.dns) {
      options.challenges.push_back(acme::ChallengeType::kDnsAccount01);
    }
    if (challenge == config::Challenge::kDnsPersist01) {
      options.challenges.push_back(acme::ChallengeType::kDnsPersist01);
    }
    if (challenge == config::Challenge::kTlsAlpn01 && https) {
      options.challenges.push_back(acme::ChallengeType::kTlsAlpn01);
    }
    if (challenge == config::Challenge::kHttp01 && http) {
      options.challenges.push_back(acme::ChallengeType::kHttp01);
    }
  }
  if (wanted.dns && options.dns == DnsUse::kWildcards) {
    options.challenges.push_back(acme::ChallengeType::kDns01);
  }
  return options;
}

namespace {

std::unique_ptr<DnsChallenges> dns_of(const IssuerParts& parts, const config::AcmeIssuer& wanted,
                                      const AcmeOptions& known) {
  if (std::ranges::none_of(known.challenges, acme::by_dns)) return nullptr;
  DnsOptions options;
  options.resolvers = known.resolvers;
  std::unique_ptr<DnsProvider> provider;
  if (wanted.dns) {
    if (wanted.dns->servers) options.servers = endpoints_of(*wanted.dns->servers);
    options.propagation = wanted.dns->propagation_timeout;
    const DnsProviderParts own{parts.loop, parts.blocking, parts.resolver, parts.storage};
    provider = make_dns_provider(own, *wanted.dns);
  }
  const DnsChallenges::Parts needs{parts.loop, parts.blocking, parts.storage, parts.tasks};
  return std::make_unique<DnsChallenges>(needs, std::move(provider), std::move(options));
}

}  // namespace

std::string user_agent() { return "gatehouse/" GATEHOUSE_VERSION; }

IssuerFactory issuer_factory(IssuerParts parts, const config::Config& config) {
  return [parts, &config](const config::Issuer& wanted) -> std::unique_ptr<Issuer> {
    if (const auto* acme = std::get_if<config::AcmeIssuer>(&wanted)) {
      AcmeIssuer::Parts own{parts.loop, parts.blocking, parts.resolver, parts.storage,
                            parts.challenges};
      AcmeOptions options = acme_options(*acme, config);
      auto dns = dns_of(parts, *acme, options);
      return std::make_unique<AcmeIssuer>(own, std::move(options), std::move(dns));
    }
    return std::make_unique<InternalIssuer>(parts.loop, parts.blocking, parts.storage);
  };
}

}  // namespace gatehouse::certs
