#include "certs/startup.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <set>
#include <string>

#include "base/log.h"
#include "certs/hook_files.h"
#include "certs/text_file.h"
#include "tls/context.h"

namespace gatehouse::certs {

namespace {

constexpr std::chrono::seconds kStaleFailures = std::chrono::days(30);

bool issued_by_one_of(std::string_view id, const std::vector<Issuer*>& issuers) {
  return std::ranges::any_of(issuers, [&](const Issuer* one) { return one->id() == id; });
}

// A certificate of an issuer that its site does not name any more.
base::Task<void> note_former(const StartupParts& parts, CertificateKey key, Source source,
                             std::vector<Issuer*> issuers) {
  parts.orders.know_former(key.issuer);
  if (source != Source::kManaged || parts.certificates.find_exact(key.name)) co_return;
  (void)co_await parts.orders.load(std::string(key.name), std::move(issuers));
}

base::Task<void> note_renewal(const StartupParts& parts, std::string key) {
  const CertificateKey parsed = parse_certificate_key(key);
  const HostRules::Match site = parts.rules.find(parsed.name);
  const Source source = site.policy == nullptr ? Source::kNone : site.policy->source;
  if (source != Source::kManaged && source != Source::kOnDemand) co_return;
  auto issuers = parts.issuers.for_name(parsed.name, *site.policy);
  if (!issued_by_one_of(parsed.issuer, issuers)) {
    co_await note_former(parts, parsed, source, std::move(issuers));
    co_return;
  }
  if (source != Source::kOnDemand) co_return;
  std::string name(parsed.name);
  std::string issuer(parsed.issuer);
  auto plan = co_await parts.inventory.load_plan(issuer, name);
  const bool demanded = plan && plan->demanded;
  if (parts.schedule.due(name) && !demanded) co_return;  // a handshake was faster
  auto record = co_await parts.inventory.load(std::move(issuer), name);
  if (!record || record->certificate->leaf().not_after <= parts.now()) co_return;
  if (parts.schedule.due(name) && !demanded) co_return;
  if (record->revoked) {
    if (record->revoked->replace) parts.schedule.set(name, parts.now());
    co_return;
  }
  record->plan = std::move(plan);
  parts.schedule.set(name, record->due(parts.renewal));
  parts.polls.watch(*record);
  parts.events.watch(*record);
}

// What a person demanded of the certificate that is served, while nobody was there to do it.
base::Task<void> note_demand(const StartupParts& parts, const std::string& host,
                             const std::vector<Issuer*>& issuers) {
  for (const Issuer* issuer : issuers) {
    const auto plan = co_await parts.inventory.load_plan(issuer->id(), host);
    const auto served = parts.certificates.find_exact(host);
    if (!plan || !plan->demanded || !served || plan->serial != served->leaf().serial) continue;
    parts.schedule.set(host, *plan->demanded);
  }
}

base::Task<void> forget_stale_failure(const StartupParts& parts, std::string key) {
  std::string name = key.substr(key.find('/') + 1);
  const auto failures = co_await parts.inventory.load_failures(name);
  if (!failures || failures->next_attempt + kStaleFailures > parts.now()) co_return;
  (void)co_await parts.inventory.forget_failures(std::move(name));
}

// Certificates of `issuer`, or failures when that is empty.
base::Task<bool> scan_slice(const StartupParts& parts, const std::string& issuer,
                            std::string& cursor) {
  base::Result<std::vector<std::string>> keys;
  if (!issuer.empty()) {
    keys = co_await parts.inventory.list_certificates(issuer, cursor, kSlice);
  } else {
    keys = co_await parts.inventory.list_failures(cursor, kSlice);
  }
  if (!keys) {
    base::log::error("the storage cannot be listed; renewals of names on demand wait for visitors",
                     {{"error", keys.error().detail}});
    co_return false;
  }
  for (const std::string& key : *keys) {
    if (parts.stopping) co_return false;
    if (!issuer.empty()) {
      co_await note_renewal(parts, key);
    } else {
      co_await forget_stale_failure(parts, key);
    }
  }
  if (keys->size() < kSlice) co_return false;
  cursor = keys->back();
  co_return true;
}

}  // namespace

base::Result<tls::CertificateRef> read_certificate_files(const config::CertificateFiles& files) {
  auto chain = read_text_file(files.file);
  if (!chain) return base::fail(std::move(chain.error()));
  auto key_pem = read_text_file(files.key);
  if (!key_pem) return base::fail(std::move(key_pem.error()));
  auto key = tls::PrivateKey::from_pem(*key_pem);
  if (!key) return base::fail(key.error().code, files.key + ": " + key.error().detail);
  auto made = tls::Certificate::make(*chain, std::move(*key));
  if (!made) {
    return base::fail(made.error().code,
                      files.file + " with the key " + files.key + ": " + made.error().detail);
  }
  return *made;
}

void warn_of_hosts(const config::Site& site, const tls::Certificate& certificate) {
  if (!certificate.valid_at(base::wall_now())) {
    base::log::warn("a certificate from a file is not valid now",
                    {{"file", site.tls.certificate->file}});
  }
  for (const auto& host : site.hosts) {
    const auto& names = certificate.leaf().names;
    const bool covered =
        host == "*" || certificate.covers(host) || std::ranges::find(names, host) != names.end();
    if (!covered) {
      base::log::warn("a certificate from a file does not cover a host of its site",
                      {{"host", host}, {"file", site.tls.certificate->file}});
    }
  }
}

namespace {

// All that is wrong is told at once: a line each.
void add(base::Result<>& all, const std::string& at, const base::Error& error) {
  if (all) {
    all = base::fail(error.code, at + ": " + error.detail);
  } else {
    all.error().detail += "\n" + at + ": " + error.detail;
  }
}

void check_roots(const std::string& ca_file, const std::string& at, base::Result<>& all) {
  if (ca_file.empty()) return;
  tls::ClientOptions options;
  options.ca_file = ca_file;
  options.system_roots = false;
  auto made = tls::ClientContext::make(std::move(options));
  if (!made) add(all, at + "/ca_file", made.error());
}

void check_dns_files(const config::Dns& dns, const std::string& at, base::Result<>& all) {
  if (const auto* command = std::get_if<config::DnsCommand>(&dns.provider)) {
    if (::access(command->program.c_str(), X_OK) == 0) return;
    const auto why = "cannot be run: " + command->program;
    add(all, at + "/command/program", base::from_errno(errno, base::Side::kLocal, why));
  }
  if (const auto* webhook = std::get_if<config::DnsWebhook>(&dns.provider)) {
    check_roots(webhook->ca_file, at + "/webhook", all);
  }
  if (const auto* account = std::get_if<config::DnsAcmeDns>(&dns.provider)) {
    check_roots(account->ca_file, at + "/acme_dns", all);
  }
}

void check_trust_of(const std::vector<config::Issuer>& issuers, const std::string& at,
                    base::Result<>& all) {
  for (std::size_t i = 0; i < issuers.size(); ++i) {
    const auto* acme = std::get_if<config::AcmeIssuer>(&issuers[i]);
    if (acme == nullptr) continue;
    const std::string place = at + "/" + std::to_string(i) + "/acme";
    check_roots(acme->ca_file, place, all);
    if (acme->dns) check_dns_files(*acme->dns, place + "/dns", all);
  }
}

}  // namespace

base::Task<void> load_managed(StartupParts parts) {
  std::vector<std::string> hosts = parts.rules.managed();
  for (const std::string& host : hosts) {
    if (parts.stopping) co_return;
    if (parts.certificates.find_exact(host)) continue;  // a handshake was faster
    auto issuers = parts.issuers.for_name(host, *parts.rules.find(host).policy);
    const auto loaded = co_await parts.orders.load(host, issuers);
    if (loaded) co_await note_demand(parts, host, issuers);
    if (!loaded && !parts.schedule.due(host)) parts.schedule.set(host, parts.now());
  }
}

base::Task<void> scan_storage(StartupParts parts) {
  std::vector<std::string> issuers = parts.issuers.ids();
  const auto all = co_await parts.inventory.list_issuers();
  if (all) issuers = *all;  // those that are configured no more too
  issuers.emplace_back();   // and the failures
  for (const std::string& issuer : issuers) {
    std::string cursor;
    bool more = true;
    while (more) more = co_await scan_slice(parts, issuer, cursor);
  }
}

std::vector<std::string> served_names(const config::Config& config, const config::Site& site,
                                      const tls::Certificate& certificate) {
  std::set<std::string> names(site.hosts.begin(), site.hosts.end());
  if (names.erase("*") != 0) {
    const auto& own = certificate.leaf().names;
    std::set<std::string> more(own.begin(), own.end());
    for (const auto& other : config.sites) {
      for (const auto& host : other.hosts) more.erase(host);  // a site of its own has its own
    }
    names.merge(more);
  }
  return std::vector<std::string>(names.begin(), names.end());
}

base::Result<> load_certificate_files(const config::Config& config,
                                      tls::CertificateStore& certificates) {
  base::Result<> all;
  for (std::size_t i = 0; i < config.sites.size(); ++i) {
    const config::Site& site = config.sites[i];
    if (!site.tls.enabled || !site.tls.certificate) continue;
    auto certificate = read_certificate_files(*site.tls.certificate);
    if (!certificate) {
      add(all, "/sites/" + std::to_string(i) + "/tls/certificate", certificate.error());
      continue;
    }
    warn_of_hosts(site, **certificate);
    certificates.put(served_names(config, site, **certificate), *certificate);
  }
  return all;
}

base::Result<> check_trust_files(const config::Config& config) {
  base::Result<> all = check_hook_files(config);
  check_trust_of(config.tls.issuers, "/tls/issuers", all);
  for (std::size_t i = 0; i < config.sites.size(); ++i) {
    check_trust_of(config.sites[i].tls.issuers, "/sites/" + std::to_string(i) + "/tls/issuers",
                   all);
  }
  return all;
}

}  // namespace gatehouse::certs
