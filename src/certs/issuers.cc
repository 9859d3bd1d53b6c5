#include "certs/issuers.h"

#include <algorithm>
#include <set>

#include "base/log.h"

namespace gatehouse::certs {

namespace {

bool same(const config::AcmeIssuer& a, const config::AcmeIssuer& b) {
  return a.eab == b.eab && a.directory == b.directory && a.email == b.email &&
         a.ca_file == b.ca_file && a.challenges == b.challenges && a.profile == b.profile &&
         a.preferred_chain == b.preferred_chain && a.preflight == b.preflight && a.dns == b.dns &&
         a.account_key_age == b.account_key_age;
}

bool same(const config::Issuer& a, const config::Issuer& b) {
  if (a.index() != b.index()) return false;
  const auto* acme = std::get_if<config::AcmeIssuer>(&a);
  return acme == nullptr || same(*acme, std::get<config::AcmeIssuer>(b));
}

bool is_wildcard(std::string_view name) { return name.starts_with("*."); }

}  // namespace

Issuers::Issuers(const config::Config& config, const IssuerFactory& make) {
  for (const auto& wanted : config.tls.issuers) global_.push_back(add(wanted, make));
  for (const auto& site : config.sites) {
    for (const auto& wanted : site.tls.issuers) add(wanted, make);
  }
  if (!global_.empty()) return;
  default_internal_ = add(config::InternalIssuer(), make);
  default_public_ = add(config::AcmeIssuer(), make);
}

Issuer* Issuers::add(const config::Issuer& wanted, const IssuerFactory& make) {
  const auto known =
      std::ranges::find_if(made_, [&](const Made& made) { return same(made.wanted, wanted); });
  if (known != made_.end()) return known->issuer.get();
  made_.push_back(Made{wanted, make(wanted)});
  return made_.back().issuer.get();
}

std::vector<Issuer*> Issuers::of(const std::vector<config::Issuer>& wanted) const {
  std::vector<Issuer*> found;
  for (const auto& one : wanted) {
    for (const auto& made : made_) {
      if (same(made.wanted, one)) found.push_back(made.issuer.get());
    }
  }
  return found;
}

std::vector<Issuer*> Issuers::for_name(std::string_view name, const SitePolicy& policy) const {
  return for_names({std::string(name)}, policy);
}

std::vector<Issuer*> Issuers::for_names(const std::vector<std::string>& names,
                                        const SitePolicy& policy) const {
  std::vector<Issuer*> issuers = policy.issuers.empty() ? global_ : policy.issuers;
  if (issuers.empty()) {
    const std::string_view first = names.front();
    const std::string_view host = is_wildcard(first) ? first.substr(2) : first;
    issuers.push_back(config::uses_internal_issuer(host) ? default_internal_ : default_public_);
  }
  if (std::ranges::none_of(names, is_wildcard)) return issuers;
  std::erase_if(issuers, [this](const Issuer* issuer) {
    return std::ranges::any_of(made_, [&](const Made& made) {
      return made.issuer.get() == issuer && !config::signs_wildcards(made.wanted);
    });
  });
  return issuers;
}

std::vector<std::string> Issuers::ids() const {
  std::set<std::string> ids;
  for (const Made& made : made_) ids.insert(made.issuer->id());
  return std::vector<std::string>(ids.begin(), ids.end());
}

base::Task<void> Issuers::remove_leftovers() {
  for (const Made& made : made_) co_await made.issuer->remove_leftovers();
}

std::vector<std::string> Issuers::leftovers() const {
  std::vector<std::string> folders;
  for (const Made& made : made_) folders.push_back(made.issuer->leftovers());
  return folders;
}

namespace {

Source source_of(const config::Site& site, const std::string& host, const SitePolicy& policy,
                 const Issuers& issuers) {
  if (!site.tls.enabled) return Source::kNone;
  if (!site.tls.certificate.empty()) return Source::kFiles;
  if (site.tls.on_demand) return Source::kOnDemand;
  if (host == "*") {
    base::log::error("a site for every name has neither on_demand nor a certificate: no TLS for it",
                     {{"host", host}});
    return Source::kNone;
  }
  if (is_wildcard(host) && issuers.for_name(host, policy).empty()) {
    base::log::error(
        "a wildcard needs an internal issuer, an ACME one with dns, on_demand or a certificate "
        "from "
        "files: no TLS for it",
        {{"host", host}});
    return Source::kNone;
  }
  return Source::kManaged;
}

}  // namespace

HostRules compile_rules(const config::Config& config, const Issuers& issuers) {
  HostRules rules;
  for (const auto& site : config.sites) {
    std::vector<SitePolicy> policies;
    std::vector<std::string> joint;
    for (const auto& host : site.hosts) {
      SitePolicy& policy = policies.emplace_back();
      policy.issuers = issuers.of(site.tls.issuers);
      // Without a TLS listener nobody could ever see a certificate.
      if (!config.listen.https.empty()) policy.source = source_of(site, host, policy, issuers);
      if (policy.source == Source::kManaged) joint.push_back(host);
    }
    std::shared_ptr<const std::vector<std::string>> shared;
    if (site.tls.one_certificate && joint.size() > 1) {
      shared = std::make_shared<const std::vector<std::string>>(std::move(joint));
    }
    for (std::size_t i = 0; i < policies.size(); ++i) {
      if (policies[i].source == Source::kManaged) policies[i].joint = shared;
      rules.add(site.hosts[i], std::move(policies[i]));
    }
  }
  return rules;
}

}  // namespace gatehouse::certs
