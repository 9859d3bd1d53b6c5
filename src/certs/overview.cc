#include "certs/overview.h"

#include <algorithm>
#include <array>
#include <functional>
#include <iterator>
#include <string_view>

#include "base/endpoint.h"
#include "config/nearest.h"
#include "tls/client_hello.h"

namespace gatehouse::certs {

std::string_view name(Standing standing) {
  static constexpr std::array<std::string_view, 7> kNames{
      "served", "ordering", "stored", "expired", "revoked", "failed", "missing"};
  return kNames[static_cast<std::size_t>(standing)];
}

std::string_view name(Source source) {
  static constexpr std::array<std::string_view, 4> kNames{"none", "files", "managed", "on_demand"};
  return kNames[static_cast<std::size_t>(source)];
}

namespace {

void fill(CertificateStatus& status, const tls::Certificate& certificate, base::WallTime now) {
  const auto& leaf = certificate.leaf();
  status.names = leaf.names;
  status.issued_by = leaf.issuer;
  status.serial = leaf.serial;
  status.key_type = certificate.key().type_name();
  status.not_before = leaf.not_before;
  status.not_after = leaf.not_after;
  if (certificate.staple() != nullptr && certificate.staple()->until() > now) {
    status.stapled_until = certificate.staple()->until();
  }
}

// A key of storage is made of it.
bool may_be_stored(std::string_view name) {
  if (name.starts_with("*.")) name.remove_prefix(2);
  return tls::is_host_name(name) || base::is_ip_literal(name);
}

Standing standing_of_stored(const CertificateStatus& status, base::WallTime now) {
  if (*status.not_after <= now) return Standing::kExpired;
  return status.revoked ? Standing::kRevoked : Standing::kStored;
}

// Nothing is held of it, and no site names it.
bool unknown(const CertificateStatus& status) {
  return status.serial.empty() && status.failures == 0 && status.source != Source::kManaged &&
         status.source != Source::kFiles;
}

}  // namespace

bool Overview::is_former(const std::string& issuer) const {
  const auto configured = parts_.issuers.ids();
  return !std::ranges::binary_search(configured, issuer);
}

// Of whom storage has certificates though the configuration does not name them.
base::Task<base::Result<std::vector<std::string>>> Overview::former_issuers() {
  auto all = co_await parts_.inventory.list_issuers();
  if (all) std::erase_if(*all, [this](const std::string& one) { return !is_former(one); });
  co_return all;
}

// Adds the labels of an issuer's certificates, or of failures when that is empty.
base::Task<base::Result<void>> Overview::list(const std::string& issuer, Labels& labels) {
  const bool former = !issuer.empty() && is_former(issuer);
  auto& inventory = parts_.inventory;
  auto all = issuer.empty() ? inventory.failures() : inventory.certificates(issuer);
  while (!all.over() && labels.size() < kMostNames) {
    const auto keys = co_await all.next();
    if (!keys) co_return base::fail(keys.error());
    for (const auto& key : *keys) {
      auto& signers = labels[name_of_segment(std::string_view(key).substr(key.rfind('/') + 1))];
      if (former) signers.push_back(issuer);
    }
  }
  co_return base::Result<void>();
}

base::Task<base::Result<Overview::Labels>> Overview::names() {
  Labels labels;
  for (const Source source : {Source::kManaged, Source::kFiles}) {
    for (auto& host : parts_.rules.hosts(source)) {
      if (source == Source::kFiles) {
        labels.try_emplace(std::move(host));
      } else {
        for (auto& label : parts_.orders.key_types().labels(host)) labels.try_emplace(label);
      }
    }
  }
  std::vector<std::string> issuers = parts_.issuers.ids();
  auto former = co_await former_issuers();
  if (!former) co_return base::fail(std::move(former.error()));
  issuers.insert(issuers.end(), former->begin(), former->end());
  issuers.emplace_back();  // and the failures
  for (const auto& issuer : issuers) {
    auto listed = co_await list(issuer, labels);
    if (!listed) co_return base::fail(std::move(listed.error()));
  }
  co_return labels;
}

base::Task<base::Result<StatusPage>> Overview::page(std::string after, std::size_t most) {
  auto all = co_await names();
  if (!all) co_return base::fail(std::move(all.error()));
  StatusPage page;
  auto next = all->upper_bound(after);
  while (next != all->end() && page.certificates.size() < most) {
    auto one = co_await status(next->first, next->second);
    if (!one) co_return base::fail(std::move(one.error()));
    page.certificates.push_back(std::move(*one));
    ++next;
  }
  if (next != all->end() && !page.certificates.empty()) page.next = std::prev(next)->first;
  co_return page;
}

base::Task<base::Result<CertificateStatus>> Overview::of(std::string name) {
  const auto former = co_await former_issuers();
  if (!former) co_return base::fail(base::Error(former.error()));
  auto found = co_await status(name, *former);
  if (!found) co_return found;
  const bool one = is_rsa_label(name);
  if (!unknown(*found) && one) co_return found;
  if (!unknown(*found)) co_return co_await with_others(std::move(*found), *former);
  const HostRules::Match site = parts_.rules.find(name);
  if (site.policy != nullptr && site.host.starts_with("*.") && site.host != name) {
    std::string host(site.host);
    auto of_wildcard = co_await status(std::move(host), *former);
    if (!of_wildcard) co_return of_wildcard;
    if (!unknown(*of_wildcard)) co_return co_await with_others(std::move(*of_wildcard), *former);
  }
  const auto all = co_await names();
  if (!all) co_return base::fail(base::Error(all.error()));
  std::vector<std::string_view> known;
  for (const auto& [label, signers] : *all) known.push_back(label);
  const auto meant = config::nearest(name, known);
  std::string why = "there is no certificate of the name \"" + name + "\"";
  if (!meant.empty()) why += "; did you mean \"" + std::string(meant) + "\"?";
  co_return base::fail(base::Code::kNotFound, std::move(why));
}

// A certificate with another kind of key: with one type of key, one from when there were two.
base::Task<base::Result<CertificateStatus>> Overview::with_others(CertificateStatus status,
                                                                  std::vector<std::string> former) {
  if (status.source == Source::kFiles) {
    CertificateStatus first = status;
    first.others.clear();
    for (const tls::KeyKinds keys : {tls::kEcdsaKeys, tls::kRsaKeys}) {
      const auto other = parts_.certificates.find_exact(status.name, keys);
      if (!other || other->leaf().serial == first.serial) continue;
      CertificateStatus& also = status.others.emplace_back(first);
      fill(also, *other, parts_.now());
    }
    co_return status;
  }
  if (!may_be_stored(status.name)) co_return status;
  std::string label = rsa_label(status.name);
  auto other = co_await this->status(std::move(label), std::move(former));
  if (!other) co_return other;
  const bool wanted = parts_.orders.key_types().two();
  std::vector<CertificateStatus> stored = std::move(other->others);
  other->others.clear();
  if (!other->serial.empty() || wanted) status.others.push_back(std::move(*other));
  std::ranges::move(stored, std::back_inserter(status.others));
  co_return status;
}

// What these issuers have signed and storage holds under a label, as far as it belongs there; what
// lasts longest comes first.
base::Task<base::Result<std::vector<Record>>> Overview::records(const std::string& label,
                                                                std::vector<std::string> issuers) {
  const tls::KeyKinds keys = parts_.orders.key_types().kinds(label);
  std::vector<Record> found;
  for (const auto& issuer : issuers) {
    auto record = co_await parts_.inventory.load(issuer, label);
    if (!record && record.error().code != base::Code::kNotFound &&
        record.error().code != base::Code::kDamaged) {
      co_return base::fail(std::move(record.error()));
    }
    if (!record || !record->certificate->is_of(keys)) continue;
    const base::WallTime end = record->not_after();
    const auto place =
        std::ranges::upper_bound(found, end, std::ranges::greater(), &Record::not_after);
    found.insert(place, std::move(*record));
  }
  co_return found;
}

// One that storage holds and that is not what its name has.
CertificateStatus Overview::other(const Record& record, const CertificateStatus& status) const {
  CertificateStatus other;
  other.name = status.name;
  other.source = status.source;
  fill(other, *record.certificate, parts_.now());
  other.issuer = record.issuer;
  other.former_issuer = is_former(record.issuer);
  other.revoked = record.revoked.has_value();
  other.standing = standing_of_stored(other, parts_.now());
  return other;
}

// The others are from before the name had files.
base::Task<base::Result<void>> Overview::fill_from_files(const std::string& label,
                                                         std::vector<std::string> issuers,
                                                         CertificateStatus& status) {
  if (const auto served = parts_.certificates.find_exact(status.name)) {
    fill(status, *served, parts_.now());
  }
  if (!may_be_stored(status.name)) co_return base::Result<void>();
  auto held = co_await records(label, std::move(issuers));
  if (!held) co_return base::fail(std::move(held.error()));
  for (const Record& record : *held) {
    if (status.others.size() < kOthers) status.others.push_back(other(record, status));
  }
  co_return base::Result<void>();
}

// Of records by several issuers, the one that is served counts, else the one that lasts longest of
// those by configured issuers, else of all. What former issuers have signed besides stands beside.
base::Task<base::Result<void>> Overview::fill_from_storage(const std::string& label,
                                                           std::vector<std::string> issuers,
                                                           CertificateStatus& status) {
  const tls::KeyKinds keys = parts_.orders.key_types().kinds(label);
  const auto served = parts_.certificates.find_exact(status.name, keys);
  auto held = co_await records(label, std::move(issuers));
  if (!held) co_return base::fail(std::move(held.error()));
  const auto is_served = [&](const Record& record) {
    return served && served->leaf().serial == record.certificate->leaf().serial;
  };
  const auto configured = [this](const Record& record) { return !is_former(record.issuer); };
  auto chosen = std::ranges::find_if(*held, is_served);
  if (chosen == held->end()) chosen = std::ranges::find_if(*held, configured);
  if (chosen == held->end()) chosen = held->begin();
  if (chosen != held->end()) {
    chosen->plan = co_await parts_.inventory.load_plan(chosen->issuer, chosen->label());
    fill(status, *chosen->certificate, parts_.now());
    status.issuer = chosen->issuer;
    status.former_issuer = is_former(chosen->issuer);
    status.revoked = chosen->revoked.has_value();
    status.renewal = chosen->due(parts_.renewal);
  }
  for (auto one = held->begin(); one != held->end(); ++one) {
    if (one == chosen || configured(*one) || status.others.size() >= kOthers) continue;
    status.others.push_back(other(*one, status));
  }
  if (served) fill(status, *served, parts_.now());  // storage may have failed to keep it
  auto failures = co_await parts_.inventory.load_failures(label);
  if (!failures) co_return base::fail(std::move(failures.error()));
  status.failures = failures->count;
  status.last_error = std::move(failures->last_error);
  if (status.failures != 0) status.next_attempt = failures->next_attempt;
  co_return base::Result<void>();
}

// `former`: the former issuers that may have signed a record of it.
base::Task<base::Result<CertificateStatus>> Overview::status(std::string label,
                                                             std::vector<std::string> former) {
  const std::string name(name_of_label(label));
  const tls::KeyKinds keys = parts_.orders.key_types().kinds(label);
  CertificateStatus status;
  status.name = name;
  const HostRules::Match site = parts_.rules.find(name);
  const bool own =
      site.policy != nullptr && (site.policy->source == Source::kOnDemand || site.host == name);
  if (own) status.source = site.policy->source;
  std::vector<std::string> issuers = parts_.issuers.ids();
  issuers.insert(issuers.end(), former.begin(), former.end());
  base::Result<void> filled;
  if (status.source == Source::kFiles) {
    filled = co_await fill_from_files(label, std::move(issuers), status);
  } else if (may_be_stored(name)) {
    filled = co_await fill_from_storage(label, std::move(issuers), status);
  }
  if (!filled) co_return base::fail(std::move(filled.error()));
  const auto due = parts_.schedule.due(label);
  if (due && !status.serial.empty()) status.renewal = due;
  if (status.source == Source::kNone) status.renewal.reset();
  const auto served = parts_.certificates.find_exact(name, keys);
  const base::WallTime now = parts_.now();
  if (parts_.orders.ordering(label)) {
    status.standing = Standing::kOrdering;
  } else if (parts_.started && served && served->valid_at(now)) {
    status.standing = Standing::kServed;
  } else if (!status.serial.empty()) {
    status.standing = standing_of_stored(status, now);
  } else if (status.failures != 0) {
    status.standing = Standing::kFailed;
  }
  co_return status;
}

}  // namespace gatehouse::certs
