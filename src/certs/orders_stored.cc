// What storage has for a name, and what of it is served.
#include "base/log.h"
#include "certs/orders.h"

namespace gatehouse::certs {

namespace log = base::log;

// `fresh`: only one that is not due for renewal yet is usable. Certificates that were imported
// count whoever signed them.
base::Task<Orders::Held> Orders::stored(const OrderRequest& request, bool fresh) {
  Held held;
  held.usable = base::fail(base::Code::kNotFound, base::Side::kStorage,
                           "storage has none for " + request.name);
  for (Issuer* issuer : request.issuers) {
    auto record = co_await parts_.inventory.load(issuer->id(), request.name);
    const bool answered = co_await hold(held, std::move(record), request, fresh);
    if (!answered) co_return held;
  }
  auto record = co_await parts_.inventory.load_imported(request.name);
  held.imported = record.has_value();
  (void)co_await hold(held, std::move(record), request, fresh);
  co_return held;
}

// Keeps a record of the name, if it is better than what is held. False: storage is too busy to
// say, and so `held` does.
base::Task<bool> Orders::hold(Held& held, base::Result<Record> record, const OrderRequest& request,
                              bool fresh) {
  if (!record) {
    const base::Code code = record.error().code;
    if (code == base::Code::kOverload) {
      held.usable = base::fail(std::move(record.error()));
      co_return false;
    }
    if (code != base::Code::kNotFound && code != base::Code::kDamaged) {
      log::error("a certificate cannot be read from storage",
                 {{"name", request.name}, {"error", record.error().detail}});
    }
    co_return true;
  }
  if (record->revoked) {
    withdraw(*record, request.name);
    held.withheld = held.withheld || !record->revoked->replace;
    co_return true;
  }
  // At a handshake nobody waits for the plan: who looks after renewals finds it.
  if (fresh) record->plan = co_await parts_.inventory.load_plan(record->issuer, request.name);
  const base::WallTime now = parts_.now();
  const auto lasts_longer = [&](const Record& other) {
    return record->certificate->leaf().not_after > other.certificate->leaf().not_after;
  };
  if (!held.newest || lasts_longer(*held.newest)) held.newest = *record;
  // One that is not valid yet says that this clock is behind: another would be no better.
  if (record->certificate->leaf().not_after <= now) co_return true;
  if (fresh && record->due(parts_.renewal) <= now) co_return true;
  if (!held.usable || lasts_longer(*held.usable)) held.usable = std::move(*record);
  co_return true;
}

base::Task<Orders::Outcome> Orders::load(std::string name, std::vector<Issuer*> issuers) {
  const OrderRequest request(name, std::move(issuers), Urgency::kHandshake);
  auto held = co_await stored(request, false);
  if (!held.usable && held.usable.error().code == base::Code::kNotFound) {
    held.usable = co_await of_former(name);
    if (held.usable) {
      serve_unless_newer(*held.usable, name);
      // Those that are configured sign as soon as they can.
      parts_.schedule.set(name, parts_.now());
      co_return held.usable->certificate;
    }
  }
  if (!held.usable) co_return base::fail(std::move(held.usable.error()));
  serve_unless_newer(*held.usable, name);
  co_return held.usable->certificate;
}

// What was revoked since it was loaded.
void Orders::withdraw(const Record& record, const std::string& name) {
  const auto served = parts_.certificates.find_exact(name);
  if (!served || served->leaf().serial != record.certificate->leaf().serial) return;
  parts_.certificates.remove(name);
  log::warn("a certificate was revoked; it is not served any more",
            {{"name", name}, {"serial", served->leaf().serial}});
}

void Orders::know_former(std::string_view issuer) {
  if (former_.size() < kFormer) former_.emplace(issuer);
}

// Valid longest of what issuers have signed that are configured no more. Error: kNotFound.
base::Task<base::Result<Record>> Orders::of_former(const std::string& name) {
  base::Result<Record> found =
      base::fail(base::Code::kNotFound, base::Side::kStorage, "storage has none for " + name);
  const std::vector<std::string> former(former_.begin(), former_.end());
  for (const std::string& issuer : former) {
    auto record = co_await parts_.inventory.load(issuer, name);
    if (!record || record->revoked) continue;
    if (record->certificate->leaf().not_after <= parts_.now()) continue;
    const auto not_after = record->certificate->leaf().not_after;
    if (found && found->certificate->leaf().not_after >= not_after) continue;
    found = std::move(record);
  }
  co_return found;
}

// What was read from storage may have been overtaken by an order meanwhile.
void Orders::serve_unless_newer(const Record& record, const std::string& name) {
  const auto served = parts_.certificates.find_exact(name);
  const auto& leaf = record.certificate->leaf();
  if (served && served->leaf().not_before > leaf.not_before) return;
  serve(record, name);
}

void Orders::serve(const Record& record, const std::string& name) {
  parts_.certificates.put({name}, record.certificate);
  parts_.schedule.set(name, record.due(parts_.renewal));
  parts_.polls.watch(record);
  if (parts_.staples != nullptr) parts_.staples->watch(record);
}

}  // namespace gatehouse::certs
