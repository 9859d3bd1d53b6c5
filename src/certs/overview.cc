#include "certs/overview.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <string_view>

#include "config/nearest.h"
#include "tls/client_hello.h"

namespace gatehouse::certs {

std::string_view name(Standing standing) {
  static constexpr std::array<std::string_view, 6> kNames{"served",  "ordering", "stored",
                                                          "expired", "failed",   "missing"};
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
  return tls::is_host_name(name);
}

std::set<std::string> labels_of(std::vector<std::string> labels) {
  return {labels.begin(), labels.end()};
}

// Nothing is held of it, and no site names it.
bool unknown(const CertificateStatus& status) {
  return status.serial.empty() && status.failures == 0 && status.source != Source::kManaged &&
         status.source != Source::kFiles;
}

}  // namespace

// Keys of an issuer's certificates, or of failures when that is empty.
base::Task<base::Result<void>> Overview::list(const std::string& issuer,
                                              std::set<std::string>& names) {
  std::string cursor;
  while (names.size() < kMostNames) {
    base::Result<std::vector<std::string>> keys;
    if (issuer.empty()) {
      keys = co_await parts_.inventory.list_failures(cursor, kListed);
    } else {
      keys = co_await parts_.inventory.list_certificates(issuer, cursor, kListed);
    }
    if (!keys) co_return base::fail(std::move(keys.error()));
    for (const auto& key : *keys) {
      names.insert(name_of_segment(std::string_view(key).substr(key.rfind('/') + 1)));
    }
    if (keys->size() < kListed) break;
    cursor = keys->back();
  }
  co_return base::Result<void>();
}

base::Task<base::Result<std::set<std::string>>> Overview::names() {
  std::set<std::string> names;
  for (const Source source : {Source::kManaged, Source::kFiles}) {
    for (auto& host : parts_.rules.hosts(source)) {
      if (source == Source::kFiles) {
        names.insert(std::move(host));
      } else {
        names.merge(labels_of(parts_.orders.key_types().labels(host)));
      }
    }
  }
  std::vector<std::string> issuers = parts_.issuers.ids();
  issuers.emplace_back();  // and the failures
  for (const auto& issuer : issuers) {
    auto listed = co_await list(issuer, names);
    if (!listed) co_return base::fail(std::move(listed.error()));
  }
  co_return names;
}

base::Task<base::Result<StatusPage>> Overview::page(std::string after, std::size_t most) {
  auto all = co_await names();
  if (!all) co_return base::fail(std::move(all.error()));
  StatusPage page;
  auto next = all->upper_bound(after);
  while (next != all->end() && page.certificates.size() < most) {
    auto one = co_await status(*next);
    if (!one) co_return base::fail(std::move(one.error()));
    page.certificates.push_back(std::move(*one));
    ++next;
  }
  if (next != all->end() && !page.certificates.empty()) page.next = *std::prev(next);
  co_return page;
}

base::Task<base::Result<CertificateStatus>> Overview::of(std::string name) {
  auto found = co_await status(name);
  if (!found) co_return found;
  const bool one = is_rsa_label(name);
  if (!unknown(*found) && one) co_return found;
  if (!unknown(*found)) co_return co_await with_others(std::move(*found));
  const HostRules::Match site = parts_.rules.find(name);
  if (site.policy != nullptr && site.host.starts_with("*.") && site.host != name) {
    std::string host(site.host);
    auto of_wildcard = co_await status(std::move(host));
    if (!of_wildcard) co_return of_wildcard;
    if (!unknown(*of_wildcard)) co_return co_await with_others(std::move(*of_wildcard));
  }
  const auto all = co_await names();
  if (!all) co_return base::fail(base::Error(all.error()));
  const std::vector<std::string_view> known(all->begin(), all->end());
  const auto meant = config::nearest(name, known);
  std::string why = "there is no certificate of the name \"" + name + "\"";
  if (!meant.empty()) why += "; did you mean \"" + std::string(meant) + "\"?";
  co_return base::fail(base::Code::kNotFound, std::move(why));
}

// A certificate with another kind of key: with one type of key, one from when there were two.
base::Task<base::Result<CertificateStatus>> Overview::with_others(CertificateStatus status) {
  if (status.source == Source::kFiles) {
    const CertificateStatus first = status;
    for (const tls::KeyKinds keys : {tls::kEcdsaKeys, tls::kRsaKeys}) {
      const auto other = parts_.certificates.find_exact(status.name, keys);
      if (!other || other->leaf().serial == first.serial) continue;
      CertificateStatus& also = status.others.emplace_back(first);
      fill(also, *other, parts_.now());
    }
    co_return status;
  }
  if (!may_be_stored(status.name)) co_return status;
  auto other = co_await this->status(rsa_label(status.name));
  if (!other) co_return other;
  const bool wanted = parts_.orders.key_types().two();
  if (!other->serial.empty() || wanted) status.others.push_back(std::move(*other));
  co_return status;
}

// Of records by several issuers, the one that is served counts, else the one that lasts longest.
base::Task<base::Result<void>> Overview::fill_from_storage(const std::string& label,
                                                           CertificateStatus& status) {
  const tls::KeyKinds keys = parts_.orders.key_types().kinds(label);
  const auto served = parts_.certificates.find_exact(status.name, keys);
  const std::vector<std::string> issuers = parts_.issuers.ids();
  std::optional<Record> chosen;
  for (const auto& issuer : issuers) {
    auto record = co_await parts_.inventory.load(issuer, label);
    if (!record && record.error().code != base::Code::kNotFound &&
        record.error().code != base::Code::kDamaged) {
      co_return base::fail(std::move(record.error()));
    }
    if (!record || !record->certificate->is_of(keys)) continue;
    const auto& leaf = record->certificate->leaf();
    const bool is_served = served && served->leaf().serial == leaf.serial;
    const bool longer = !chosen || leaf.not_after > chosen->certificate->leaf().not_after;
    if (!is_served && !longer) continue;
    chosen = std::move(*record);
    if (is_served) break;
  }
  if (chosen) {
    chosen->plan = co_await parts_.inventory.load_plan(chosen->issuer, chosen->label());
    fill(status, *chosen->certificate, parts_.now());
    status.issuer = chosen->issuer;
    status.renewal = chosen->due(parts_.renewal);
  }
  if (served) fill(status, *served, parts_.now());  // storage may have failed to keep it
  auto failures = co_await parts_.inventory.load_failures(label);
  if (!failures) co_return base::fail(std::move(failures.error()));
  status.failures = failures->count;
  status.last_error = std::move(failures->last_error);
  if (status.failures != 0) status.next_attempt = failures->next_attempt;
  co_return base::Result<void>();
}

base::Task<base::Result<CertificateStatus>> Overview::status(std::string label) {
  const std::string name(name_of_label(label));
  const tls::KeyKinds keys = parts_.orders.key_types().kinds(label);
  CertificateStatus status;
  status.name = name;
  const HostRules::Match site = parts_.rules.find(name);
  const bool own =
      site.policy != nullptr && (site.policy->source == Source::kOnDemand || site.host == name);
  if (own) status.source = site.policy->source;
  if (status.source == Source::kFiles) {
    if (const auto served = parts_.certificates.find_exact(name)) {
      fill(status, *served, parts_.now());
    }
  } else if (may_be_stored(name)) {
    auto filled = co_await fill_from_storage(label, status);
    if (!filled) co_return base::fail(std::move(filled.error()));
  }
  const auto due = parts_.schedule.due(label);
  if (due && !status.serial.empty()) status.renewal = due;
  if (status.source == Source::kNone) status.renewal.reset();
  const auto served = parts_.certificates.find_exact(name, keys);
  const base::WallTime now = parts_.now();
  if (parts_.orders.ordering(label)) {
    status.standing = Standing::kOrdering;
  } else if (parts_.started && served && served->valid_at(now)) {
    status.standing = Standing::kServed;
  } else if (!status.serial.empty() && *status.not_after > now) {
    status.standing = Standing::kStored;
  } else if (!status.serial.empty()) {
    status.standing = Standing::kExpired;
  } else if (status.failures != 0) {
    status.standing = Standing::kFailed;
  }
  co_return status;
}

}  // namespace gatehouse::certs
