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
constexpr base::Duration kLeftoverLease{100};  // longer than that it is another process's

bool issued_by_one_of(std::string_view id, const std::vector<Issuer*>& issuers) {
  return std::ranges::any_of(issuers, [&](const Issuer* one) { return one->id() == id; });
}

// Whether one of the issuers has signed for the name what is valid still.
base::Task<bool> has_own(const StartupParts& parts, const std::vector<Issuer*>& issuers,
                         const std::string& label) {
  for (const Issuer* issuer : issuers) {
    const auto record = co_await parts.inventory.load(issuer->id(), label);
    if (record && record->not_after() > parts.now()) co_return true;
  }
  co_return false;
}

// There is one type now, and the name had two: that which is not of this type is served to its end.
base::Task<void> note_former_kind(const StartupParts& parts, std::string name) {
  KeyTypes& types = parts.orders.key_types();
  const HostRules::Match site = parts.rules.find(name);
  types.know_rsa(name);
  if (!types.had_two(name) || site.policy == nullptr) co_return;
  const std::string wanted = types.labels(name).front();
  if (wanted != name) parts.schedule.remove(name);
  const bool managed = site.policy->source == Source::kManaged;
  // The next handshake loads both of a name on demand that nobody has asked for yet.
  if (!managed && !parts.certificates.find_exact(name)) co_return;
  if (site.certificate_name(name) != name) co_return;
  auto names = site.certificate_names(name);
  auto issuers = parts.issuers.for_names(names, *site.policy);
  const OrderRequest order(std::move(names), std::move(issuers), Urgency::kBackground,
                           types.kinds(wanted));
  const auto loaded = co_await parts.orders.load(order);
  if (!loaded && managed) parts.schedule.set(wanted, parts.now());
}

base::Task<void> note_renewal(const StartupParts& parts, std::string key) {
  const CertificateKey parsed = parse_certificate_key(key);
  const std::string label = name_of_segment(parsed.name);
  std::string name(name_of_label(label));
  if (is_rsa_label(label) && !parts.orders.key_types().two()) {
    co_await note_former_kind(parts, name);
  }
  const HostRules::Match site = parts.rules.find(name);
  if (site.policy == nullptr || site.policy->source != Source::kOnDemand) co_return;
  if (!parts.orders.key_types().wants(label)) co_return;
  const std::vector<Issuer*> issuers = parts.issuers.for_name(name, *site.policy);
  // Of an issuer that its site does not name any more.
  const bool former = !issued_by_one_of(parsed.issuer, issuers);
  std::string issuer(parsed.issuer);
  auto plan = co_await parts.inventory.load_plan(issuer, label);
  const bool demanded = plan && plan->demanded;
  if (parts.schedule.due(label) && !demanded) co_return;  // a handshake was faster
  auto record = co_await parts.inventory.load(std::move(issuer), label);
  if (!record || record->not_after() <= parts.now()) co_return;
  if (former) {
    const bool replaced = co_await has_own(parts, issuers, label);
    if (replaced) co_return;
  }
  if (parts.schedule.due(label) && !demanded) co_return;
  if (record->revoked) {
    if (record->revoked->replace) parts.schedule.set(label, parts.now());
    co_return;
  }
  record->plan = std::move(plan);
  const bool replaced = former && parts.renewal.replace_former;
  auto due = replaced ? parts.orders.replacement_of(*record) : record->due(parts.renewal);
  // Its failures say when its own issuers are asked again.
  if (Orders::stands_in(parsed.issuer, issuers)) due = parts.now();
  parts.schedule.set(label, due);
  if (!former) parts.polls.watch(*record);
  parts.events.watch(*record);
}

// What a person demanded of the certificate that is served, while nobody was there to do it.
base::Task<void> note_demand(const StartupParts& parts, const OrderRequest& order) {
  const std::string& label = order.name;
  std::vector<std::string> ids = parts.orders.former_issuers(order.issuers);
  for (const Issuer* issuer : order.issuers) ids.push_back(issuer->id());
  for (const std::string& issuer : ids) {
    const auto plan = co_await parts.inventory.load_plan(issuer, label);
    const auto served = parts.certificates.find_exact(order.names.front(), order.keys);
    if (!plan || !plan->demanded || !served || plan->serial != served->leaf().serial) continue;
    parts.schedule.set(label, *plan->demanded);
  }
}

base::WallTime last_wait(const Failures& failures) {
  base::WallTime last = failures.next_attempt;
  for (const auto& [name, left_out] : failures.left_out) {
    last = std::max(last, left_out.next_attempt);
  }
  return last;
}

base::Task<void> forget_stale_failure(const StartupParts& parts, std::string key) {
  std::string name = name_of_segment(std::string_view(key).substr(key.find('/') + 1));
  const auto failures = co_await parts.inventory.load_failures(name);
  if (!failures || last_wait(*failures) + kStaleFailures > parts.now()) co_return;
  (void)co_await parts.inventory.forget_failures(std::move(name));
}

// Whether an order for the name may come to anything.
bool is_ordered(const SitePolicy* policy) {
  return policy != nullptr &&
         (policy->source == Source::kOnDemand || policy->source == Source::kManaged);
}

// An order that was cut off goes on: those of named sites in any case, those on demand from here.
// One that nobody will go on with is removed, unless another process is at it.
base::Task<void> note_order(const StartupParts& parts, std::string issuer, std::string key) {
  const std::string label = name_of_segment(std::string_view(key).substr(key.rfind('/') + 1));
  std::string name(name_of_label(label));
  const SitePolicy* policy = parts.rules.find(name).policy;
  const auto ids = parts.issuers.ids();
  if (is_ordered(policy) && std::ranges::find(ids, issuer) != ids.end()) {
    const bool on_demand = policy->source == Source::kOnDemand;
    if (on_demand && !parts.schedule.due(label)) parts.schedule.set(label, parts.now());
    co_return;
  }
  auto lease = co_await parts.inventory.lease(std::move(name), base::Deadline::in(kLeftoverLease));
  if (!lease) co_return;
  (void)co_await parts.inventory.forget_order(key);
  lease->release();
}

enum class Kind : std::uint8_t { kCertificates, kOrders, kFailures };

storage::FolderWalk walk(const StartupParts& parts, Kind kind, const std::string& issuer) {
  if (kind == Kind::kCertificates) return parts.inventory.certificates(issuer);
  return kind == Kind::kOrders ? parts.inventory.orders(issuer) : parts.inventory.failures();
}

base::Task<void> scan(const StartupParts& parts, Kind kind, std::string issuer) {
  for (auto all = walk(parts, kind, issuer); !all.over();) {
    const auto keys = co_await all.next();
    if (!keys) {
      base::log::error(
          "the storage cannot be listed; renewals of names on demand wait for visitors",
          {{"error", keys.error().detail}});
      co_return;
    }
    for (const std::string& key : *keys) {
      if (parts.stopping) co_return;
      switch (kind) {
        case Kind::kCertificates: co_await note_renewal(parts, key); break;
        case Kind::kOrders: co_await note_order(parts, issuer, key); break;
        case Kind::kFailures: co_await forget_stale_failure(parts, key); break;
      }
    }
  }
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

void warn_of_hosts(const config::Site& site, const std::string& file,
                   const tls::Certificate& certificate) {
  if (!certificate.valid_at(base::wall_now())) {
    base::log::warn("a certificate from a file is not valid now", {{"file", file}});
  }
  for (const auto& host : site.hosts) {
    const auto& names = certificate.leaf().names;
    const bool covered =
        host == "*" || certificate.covers(host) || std::ranges::find(names, host) != names.end();
    if (!covered) {
      base::log::warn("a certificate from a file does not cover a host of its site",
                      {{"host", host}, {"file", file}});
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

base::Task<void> load_one(const StartupParts& parts, const std::string& host,
                          const std::string& label) {
  const tls::KeyKinds keys = parts.orders.key_types().kinds(label);
  if (parts.certificates.find_exact(host, keys)) co_return;  // a handshake was faster
  const HostRules::Match site = parts.rules.find(host);
  auto names = site.certificate_names(host);
  auto issuers = parts.issuers.for_names(names, *site.policy);
  const OrderRequest order(std::move(names), std::move(issuers), Urgency::kBackground, keys);
  const auto loaded = co_await parts.orders.load(order);
  if (loaded) co_await note_demand(parts, order);
  if (!loaded && !parts.schedule.due(label)) parts.schedule.set(label, parts.now());
}

}  // namespace

base::Task<void> load_managed(StartupParts parts) {
  const auto known = co_await parts.inventory.list_issuers();
  if (known) {
    for (const std::string& issuer : *known) parts.orders.know_former(issuer);
  }
  std::vector<std::string> hosts = parts.rules.managed();
  for (const std::string& host : hosts) {
    for (const std::string& label : parts.orders.key_types().labels(host)) {
      if (parts.stopping) co_return;
      co_await load_one(parts, host, label);
    }
  }
}

base::Task<void> scan_storage(StartupParts parts) {
  std::vector<std::string> issuers = parts.issuers.ids();
  auto all = co_await parts.inventory.list_issuers();
  if (all) issuers = std::move(*all);  // those that are configured no more too
  for (const std::string& issuer : issuers) co_await scan(parts, Kind::kCertificates, issuer);
  all = co_await parts.inventory.list_order_issuers();
  if (all) issuers = std::move(*all);
  for (const std::string& issuer : issuers) co_await scan(parts, Kind::kOrders, issuer);
  std::string none;
  co_await scan(parts, Kind::kFailures, std::move(none));
}

base::Error same_kind(const config::CertificateFiles& files) {
  return base::Error(base::Code::kDenied,
                     files.file +
                         ": the site's other certificate has a key of the same kind: of two, "
                         "one has an ECDSA and one an RSA key");
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
    if (!site.tls.enabled) continue;
    tls::KeyKinds taken = 0;
    for (const config::CertificateFiles& files : site.tls.certificate) {
      auto certificate = read_certificate_files(files);
      const tls::KeyKinds kinds = certificate ? tls::alike((*certificate)->key()) : 0;
      if ((kinds & taken) != 0) certificate = base::fail(same_kind(files));
      if (!certificate) {
        add(all, "/sites/" + std::to_string(i) + "/tls/certificate", certificate.error());
        continue;
      }
      taken |= kinds;
      warn_of_hosts(site, files.file, **certificate);
      certificates.put(served_names(config, site, **certificate), *certificate, kinds);
    }
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
