#include "certs/expiry_watch.h"

#include <algorithm>

#include "base/log.h"
#include "certs/key_types.h"
#include "certs/moment.h"

namespace gatehouse::certs {

namespace {

// Stages, as ToldOnce counts them.
constexpr int kTenth = 1;
constexpr int kOver = 2;

}  // namespace

base::WallTime last_tenth(const tls::LeafFacts& leaf) {
  return leaf.not_after - (leaf.not_after - leaf.not_before) / 10;
}

void ExpiryWatch::watch(const Record& record) {
  if (!wanted_) return;
  looks_.set(record.label(), last_tenth(record.certificate->leaf()));
}

base::Task<void> ExpiryWatch::run() {
  while (true) {
    auto name = co_await looks_.next();
    if (!name) co_return;
    co_await look(std::move(*name));
  }
}

base::Task<void> ExpiryWatch::look(std::string label) {
  const std::string name(name_of_label(label));
  const HostRules::Match site = parts_.rules.find(name);
  const Source source = site.policy == nullptr ? Source::kNone : site.policy->source;
  if (source != Source::kManaged && source != Source::kOnDemand) co_return;
  auto found = co_await find(label, *site.policy);
  if (!found.certificate) co_return;
  const tls::LeafFacts& leaf = found.certificate->leaf();
  const base::WallTime now = parts_.now();
  if (now < last_tenth(leaf)) {
    looks_.set(label, last_tenth(leaf));  // renewed by another process, or the clock was set back
    co_return;
  }
  const bool over = now >= leaf.not_after;
  if (!over) {
    const auto later = co_await not_due_yet(label, leaf.not_after);
    looks_.set(label, later.value_or(leaf.not_after));
    if (later) co_return;
  }
  const bool wanted = co_await is_wanted(name, source);
  if (!wanted) co_return;
  const int stage = over ? kOver : kTenth;
  const bool first = co_await parts_.told.is_new(found.certificate, stage);
  if (!first) co_return;
  base::log::warn("a certificate nears its end, or has ended, and was not renewed",
                  {{"name", label},
                   {"issuer", found.issuer},
                   {"serial", leaf.serial},
                   {"not_after", text_of(leaf.not_after)}});
  CertificateEvent event(config::HookEvent::kExpiring, now);
  event.names = leaf.names;
  event.source = source;
  event.issuer = found.issuer;
  event.certificate = found.certificate;
  event.stage = over ? "expired" : "tenth";
  parts_.hooks.tell(std::move(event));
}

base::Task<ExpiryWatch::Found> ExpiryWatch::find(std::string label, const SitePolicy& policy) {
  Found found;
  const std::string_view name = name_of_label(label);
  const tls::KeyKinds keys = is_rsa_label(label) ? tls::kRsaKeys : tls::kEcdsaKeys;
  found.certificate = parts_.certificates.find_exact(name, keys);
  // A name that has one has it under its own label, whatever the kind of key.
  if (!found.certificate) found.certificate = parts_.certificates.find_exact(name);
  const std::vector<Issuer*> issuers = parts_.issuers.for_name(name, policy);
  for (const Issuer* issuer : issuers) {
    auto record = co_await parts_.inventory.load(issuer->id(), label);
    if (!record || record->revoked) continue;
    const auto end = record->not_after();
    if (found.certificate && found.certificate->leaf().not_after > end) continue;
    found.certificate = record->certificate;
    found.issuer = issuer->id();
  }
  co_return found;
}

// A name that is not allowed any more is meant to go.
base::Task<bool> ExpiryWatch::is_wanted(std::string name, Source source) {
  if (source != Source::kOnDemand) co_return true;
  const Ruling ruling = co_await parts_.permission.check(std::move(name));
  co_return ruling.verdict != Verdict::kDenied;
}

// A certificate may have to be renewed late, because its CA or the configuration wants it so: then
// it is looked at when half of what is left is over.
base::Task<std::optional<base::WallTime>> ExpiryWatch::not_due_yet(std::string label,
                                                                   base::WallTime end) {
  const auto due = parts_.renewals.due(label);
  if (!due || *due <= parts_.now()) co_return std::nullopt;
  const auto failures = co_await parts_.inventory.load_failures(std::move(label));
  if (failures && failures->count != 0) co_return std::nullopt;  // that is the next try
  co_return std::min(std::max(*due + (end - *due) / 2, parts_.now() + kLookAgain), end);
}

}  // namespace gatehouse::certs
