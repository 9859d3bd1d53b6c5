#include "certs/import.h"

#include <algorithm>
#include <variant>

#include "acme/jws.h"
#include "base/endpoint.h"
#include "certs/account_record.h"
#include "certs/changes.h"
#include "certs/compromised_keys.h"
#include "certs/foreign_files.h"
#include "certs/issuer_id.h"
#include "certs/key_types.h"
#include "certs/moment.h"
#include "config/check.h"
#include "config/known_cas.h"

namespace gatehouse::certs {

namespace {

constexpr std::string_view kStaging = "letsencrypt-staging";

bool is_certificate_name(std::string_view name) {
  if (base::is_ip_literal(name)) return true;
  if (name.starts_with("*.")) name.remove_prefix(2);
  return config::is_host_name(name);
}

ImportLine line_of(const ForeignRest& rest) {
  ImportLine line;
  line.kind = ImportLine::Kind::kOther;
  line.fate = Fate::kUnusable;
  line.from = rest.from;
  line.reason = rest.reason;
  return line;
}

void set_fate(ImportLine& line, Fate fate, std::string reason) {
  line.fate = fate;
  line.reason = std::move(reason);
}

}  // namespace

std::string_view text_of(Fate fate) {
  switch (fate) {
    case Fate::kImported: return "imported";
    case Fate::kSame: return "the same";
    case Fate::kKept: return "kept";
    case Fate::kUnusable: return "unusable";
    case Fate::kFailed: return "failed";
  }
  return "failed";
}

Import::Import(Parts parts, ImportOptions options)
    : parts_(std::move(parts)), options_(std::move(options)) {
  const auto note = [this](const config::Issuer& issuer) {
    const auto* acme = std::get_if<config::AcmeIssuer>(&issuer);
    if (acme == nullptr) return;
    const std::string id = issuer_id_of(acme->directory);
    auto known = std::ranges::find(configured_, id, &Configured::id);
    if (known == configured_.end()) {
      configured_.push_back(Configured{acme->directory, id, {}});
      known = configured_.end() - 1;
    }
    known->emails.insert(acme->email);
  };
  const config::Config& config = parts_.config;
  for (const auto& issuer : config.tls.issuers) note(issuer);
  for (const auto& site : config.sites) {
    for (const auto& issuer : site.tls.issuers) note(issuer);
  }
  if (config.tls.issuers.empty()) note(config::AcmeIssuer());
}

const Import::Configured* Import::configured(std::string_view id) const {
  const auto found = std::ranges::find(configured_, id, &Configured::id);
  return found == configured_.end() ? nullptr : &*found;
}

std::string Import::issuer_of(const ForeignOrigin& origin) const {
  if (!origin.directory.empty()) return issuer_id_of(origin.directory);
  if (!origin.issuer.empty()) return origin.issuer;
  if (!origin.host.empty()) {
    for (const Configured& one : configured_) {
      if (host_of(one.directory) == origin.host) return one.id;
    }
    for (const config::KnownCa& ca : config::known_cas()) {
      if (host_of(ca.directory) == origin.host) return issuer_id_of(ca.directory);
    }
  }
  return options_.directory.empty() ? std::string(kUnknown) : issuer_id_of(options_.directory);
}

// By which the CA of what is imported can be told things later.
std::string Import::directory_of(const ForeignOrigin& origin, std::string_view issuer) const {
  if (const Configured* known = configured(issuer)) return known->directory;
  for (const config::KnownCa& ca : config::known_cas()) {
    if (issuer_id_of(ca.directory) == issuer) return std::string(ca.directory);
  }
  if (!origin.directory.empty()) return origin.directory;
  return issuer_id_of(options_.directory) == issuer ? options_.directory : "";
}

std::vector<std::string> Import::names_of(const tls::Certificate& certificate) const {
  std::vector<std::string> names;
  for (const auto& name : certificate.leaf().names) {
    if (is_certificate_name(name)) names.push_back(name);
  }
  for (const auto& site : parts_.config.sites) {
    for (const auto& host : site.hosts) {
      const bool more = is_certificate_name(host) && certificate.covers(host);
      if (more && std::ranges::find(names, host) == names.end()) names.push_back(host);
    }
  }
  return names;
}

base::Result<Import::Usable> Import::check(const ForeignCertificate& foreign) const {
  auto key = tls::PrivateKey::from_pem(foreign.key_pem);
  if (!key) return base::fail(std::move(key.error()));
  auto certificate = tls::Certificate::make(foreign.chain_pem, std::move(*key));
  if (!certificate) return base::fail(std::move(certificate.error()));
  const auto checked = tls::check_issued(**certificate, {}, parts_.now());
  if (!checked) return base::fail(checked.error());
  Usable usable;
  usable.from = foreign.from;
  usable.issuer = issuer_of(foreign.origin);
  usable.ca = directory_of(foreign.origin, usable.issuer);
  usable.names = names_of(**certificate);
  usable.certificate = std::move(*certificate);
  if (usable.names.empty() || usable.names.size() > kMostNames) {
    return base::fail(base::Code::kUnsupported, "it has no host name, or more than 1000");
  }
  const auto* staging = config::find_known_ca(kStaging);
  const bool nobodys =
      usable.issuer == issuer_id_of(staging->directory) && configured(usable.issuer) == nullptr;
  if (nobodys && !options_.force) {
    return base::fail(base::Code::kDenied,
                      "Let's Encrypt's staging signed it, which nobody trusts; --force takes it");
  }
  return usable;
}

base::Task<std::vector<ImportLine>> Import::run(Foreign foreign) {
  std::vector<ImportLine> lines;
  std::vector<Usable> usable;
  for (const ForeignCertificate& one : foreign.certificates) {
    auto checked = check(one);
    if (checked) {
      usable.push_back(std::move(*checked));
    } else {
      lines.push_back(line_of(ForeignRest{one.from, checked.error().detail}));
    }
  }
  for (const ForeignRest& rest : foreign.rest) lines.push_back(line_of(rest));
  // The one that lasts longest first, so that none of the others is taken.
  std::ranges::sort(usable, std::greater(), [](const Usable& one) {
    return std::pair(one.certificate->leaf().not_after, one.certificate->leaf().serial);
  });
  std::vector<ImportLine> taken;
  for (const Usable& one : usable) {
    for (const std::string& name : one.names) {
      auto line = co_await take(one, name);
      taken.push_back(std::move(line));
    }
  }
  Changes changes(parts_.storage);
  (void)co_await changes.add(std::move(stored_));  // else servers hear of it when they look
  co_await take_accounts(std::move(foreign.accounts), taken);
  taken.insert(taken.end(), lines.begin(), lines.end());
  co_return taken;
}

// --- certificates ---

// Where names have a certificate of each kind of key, one of each is taken.
std::string Import::label_of(const tls::Certificate& certificate, const std::string& name) const {
  const bool beside = parts_.config.tls.key_type.size() > 1 && !certificate.key().is_ecdsa();
  return beside ? rsa_label(name) : name;
}

base::Task<ImportLine> Import::take(const Usable& usable, const std::string& name) {
  const tls::LeafFacts& leaf = usable.certificate->leaf();
  ImportLine line;
  line.name = name;
  line.issuer = usable.issuer;
  line.serial = leaf.serial;
  line.not_after = leaf.not_after;
  line.from = usable.from;
  const std::string label = label_of(*usable.certificate, name);
  const auto before = taken_.find(usable.issuer + "/" + label);
  if (before != taken_.end()) {
    set_fate(line, Fate::kKept, "another one of these lasts until " + text_of(before->second));
    co_return line;
  }
  storage::Lease lease;
  if (!options_.dry_run) {
    const auto deadline = base::Deadline::in(kLeaseTime);
    auto given = co_await parts_.inventory.lease(name, deadline);
    if (!given) {
      set_fate(line, Fate::kFailed, "being ordered right now? " + given.error().detail);
      co_return line;
    }
    lease = std::move(*given);
  }
  CompromisedKeys compromised(parts_.storage);
  const auto known = co_await compromised.contains(usable.certificate->key());
  if (!known || *known) {
    set_fate(line, Fate::kUnusable, known ? "its key is compromised" : known.error().detail);
    co_return line;
  }
  const auto there = co_await parts_.inventory.load(usable.issuer, label);
  if (there) {
    const tls::LeafFacts& held = there->certificate->leaf();
    const bool same = held.serial == leaf.serial;
    if (same && there->revoked) {
      set_fate(line, Fate::kUnusable, "it was revoked");
    } else if (there->revoked) {
      // any other takes its place
    } else if (same) {
      line.fate = Fate::kSame;
    } else if (held.not_after >= leaf.not_after && !options_.force) {
      set_fate(line, Fate::kKept, "storage holds one until " + text_of(held.not_after));
    }
    if (line.fate != Fate::kImported) co_return line;
  }
  if (!options_.dry_run) {
    const auto stored = co_await store(usable, name);
    if (!stored) {
      set_fate(line, Fate::kFailed, stored.error().detail);
      co_return line;
    }
    stored_.push_back(label);
  }
  taken_.emplace(usable.issuer + "/" + label, leaf.not_after);
  co_return line;
}

base::Task<base::Result<void>> Import::store(const Usable& usable, const std::string& name) {
  Record record;
  const std::string label = label_of(*usable.certificate, name);
  record.issuer = usable.issuer;
  record.rsa_of_two = is_rsa_label(label);
  record.names = {name};
  record.obtained = usable.certificate->leaf().not_before;
  record.ca = usable.ca;
  record.certificate = usable.certificate;
  // One import a name is found whoever is configured: the one that lasts longest.
  const auto other = co_await parts_.inventory.load_imported(label);
  const bool better = other && !options_.force && other->issuer != usable.issuer &&
                      other->not_after() > record.not_after();
  if (better) co_return co_await parts_.inventory.save(std::move(record));
  co_return co_await parts_.inventory.save_imported(std::move(record));
}

// --- accounts ---

// The storage key of an account names an e-mail: that which the configuration has for the CA, so
// that the account is found.
std::vector<std::string> Import::emails_of(const ForeignAccount& account,
                                           const std::string& issuer) const {
  const Configured* known = configured(issuer);
  if (known == nullptr) return {account.email.value_or("")};
  if (account.email && known->emails.contains(*account.email)) return {*account.email};
  return std::vector<std::string>(known->emails.begin(), known->emails.end());
}

base::Task<void> Import::take_accounts(std::vector<ForeignAccount> accounts,
                                       std::vector<ImportLine>& lines) {
  for (const ForeignAccount& account : accounts) {
    const std::string issuer = issuer_of(account.origin);
    for (const std::string& email : emails_of(account, issuer)) {
      ImportLine line;
      line.kind = ImportLine::Kind::kAccount;
      line.name = email;
      line.issuer = issuer;
      line.from = account.from;
      co_await take(account, email, line);
      lines.push_back(std::move(line));
    }
  }
}

base::Task<void> Import::take(const ForeignAccount& account, const std::string& email,
                              ImportLine& line) {
  if (line.issuer == kUnknown) {
    line.issuer.clear();
    set_fate(line, Fate::kUnusable, "its CA is not known here: give its --directory");
    co_return;
  }
  if (const auto signs = acme::algorithm_of(account.key); !signs) {
    set_fate(line, Fate::kUnusable, signs.error().detail);
    co_return;
  }
  const std::string key = account_key(line.issuer, email);
  if (taken_.contains(key)) {
    set_fate(line, Fate::kKept, "another account of this CA was taken");
    co_return;
  }
  const auto text = co_await parts_.storage.load(key);
  const auto there = text ? parse_account_record(*text) : base::fail(text.error());
  if (there && !there->account.url.empty()) {
    const bool same = there->account.key.public_der() == account.key.public_der();
    if (same) {
      line.fate = Fate::kSame;
    } else if (!options_.force) {
      set_fate(line, Fate::kKept, "storage holds an account of this CA");
    }
    if (line.fate != Fate::kImported) co_return;
  }
  taken_.emplace(key, base::WallTime());
  if (options_.dry_run) co_return;
  AccountRecord kept;
  kept.account.key = account.key;
  kept.account.url = account.url;
  kept.contact = email;
  std::string record = to_text(kept);
  const auto stored = co_await parts_.storage.store(key, std::move(record));
  if (!stored) set_fate(line, Fate::kFailed, stored.error().detail);
}

}  // namespace gatehouse::certs
