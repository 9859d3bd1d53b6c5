#include "certs/expired_records.h"

#include <algorithm>
#include <utility>

#include "base/log.h"
#include "certs/moment.h"

namespace gatehouse::certs {

base::Task<void> ExpiredRecords::run() {
  while (!stopping_) {
    const base::WallTime last = parts_.now();
    co_await look_through();
    // A clock that was set back does not put it off.
    while (!stopping_ && parts_.now() < last + kEach && parts_.now() >= last) {
      (void)co_await wake_.wait(base::Deadline::in(Schedule::kLongestWait));
      wake_.reset();
    }
  }
}

void ExpiredRecords::stop() {
  stopping_ = true;
  wake_.set();
}

base::Task<void> ExpiredRecords::look_through() {
  const auto issuers = co_await parts_.inventory.list_issuers();
  if (!issuers) co_return;  // who cannot list it says so at the start
  for (const std::string& issuer : *issuers) co_await look_through(issuer);
}

base::Task<void> ExpiredRecords::look_through(std::string issuer) {
  for (auto all = parts_.inventory.certificates(issuer); !all.over() && !stopping_;) {
    const auto keys = co_await all.next();
    if (!keys) co_return;
    for (const std::string& key : *keys) {
      if (stopping_) co_return;
      std::string label = name_of_segment(parse_certificate_key(key).name);
      if (!is_wanted(issuer, label)) co_await look_at(issuer, std::move(label));
    }
  }
}

// Without a look at the record: certificates of sites are for their orders to replace, and a name
// on demand whose renewal is put down has one that is valid.
bool ExpiredRecords::is_wanted(const std::string& issuer, const std::string& label) const {
  const std::string_view name = name_of_label(label);
  const HostRules::Match site = parts_.rules.find(name);
  if (site.policy == nullptr || !parts_.key_types.wants(label)) return false;
  if (site.policy->source == Source::kManaged) {
    const auto names = site.certificate_names(name);
    return std::ranges::find(names, name) != names.end();
  }
  if (site.policy->source != Source::kOnDemand) return false;
  const auto due = parts_.renewals.due(label);
  if (!due || *due <= parts_.now()) return false;
  const auto own = parts_.issuers.for_name(name, *site.policy);
  return std::ranges::find(own, issuer, &Issuer::id) != own.end();
}

bool ExpiredRecords::is_over(const base::Result<Record>& record) const {
  if (!record || (record->revoked && !record->revoked->replace)) return false;
  return record->not_after() + kKeep < parts_.now();
}

base::Task<void> ExpiredRecords::look_at(std::string issuer, std::string label) {
  auto record = co_await parts_.inventory.load(issuer, label);
  if (!is_over(record)) co_return;
  std::string name(name_of_label(label));
  const base::Deadline deadline = base::Deadline::in(kLeaseTime);
  auto lease = co_await parts_.inventory.lease(std::move(name), deadline);
  if (!lease) co_return;
  // Another may have come meanwhile.
  record = co_await parts_.inventory.load(issuer, label);
  if (!is_over(record)) co_return;
  const auto removed = co_await parts_.inventory.forget(issuer, label);
  const tls::LeafFacts& leaf = record->certificate->leaf();
  if (removed) {
    base::log::info("a certificate that expired long ago is removed from storage",
                    {{"name", label},
                     {"issuer", issuer},
                     {"serial", leaf.serial},
                     {"not_after", text_of(leaf.not_after)}});
  } else {
    base::log::warn("a certificate that expired long ago cannot be removed from storage",
                    {{"name", label}, {"issuer", issuer}, {"error", removed.error().detail}});
  }
}

}  // namespace gatehouse::certs
