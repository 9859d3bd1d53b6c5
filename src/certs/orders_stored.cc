// What Orders finds in storage and serves.
#include <algorithm>

#include "base/log.h"
#include "certs/joint_names.h"
#include "certs/orders.h"

namespace gatehouse::certs {

// `fresh`: only one that is not due for renewal yet, and for exactly these `names` of several, is
// usable. Of several names each may be the one that a record is called by.
base::Task<Orders::Held> Orders::stored(const OrderRequest& request, std::vector<std::string> names,
                                        bool fresh) {
  Held held;
  held.usable = base::fail(base::Code::kNotFound, base::Side::kStorage,
                           "storage has none for " + request.name);
  for (Issuer* issuer : request.issuers) {
    for (const std::string& key : request.names) {
      auto record = co_await parts_.inventory.load(issuer->id(), key);
      const bool known =
          record && held.newest &&
          record->certificate->leaf().serial == held.newest->certificate->leaf().serial;
      if (known) continue;
      // At a handshake nobody waits for the plan: who looks after renewals finds it.
      if (record && fresh && parts_.renewal.ask_issuers) {
        record->plan = co_await parts_.inventory.load_plan(issuer->id(), record->names.front());
      }
      const bool whole = record && same_names(record->names, names);
      if (!hold(request, names, fresh, std::move(record), held)) co_return held;
      if (whole) break;
    }
  }
  co_return held;
}

// Takes a record that was read into account. False when storage is too busy to go on.
bool Orders::hold(const OrderRequest& request, const std::vector<std::string>& names, bool fresh,
                  base::Result<Record> record, Held& held) const {
  if (!record) {
    const base::Code code = record.error().code;
    if (code == base::Code::kOverload) {
      held.usable = base::fail(std::move(record.error()));
      return false;
    }
    if (code != base::Code::kNotFound && code != base::Code::kDamaged) {
      base::log::error("a certificate cannot be read from storage",
                       {{"name", request.name}, {"error", record.error().detail}});
    }
    return true;
  }
  const base::WallTime now = parts_.now();
  const auto lasts_longer = [&](const Record& other) {
    return record->certificate->leaf().not_after > other.certificate->leaf().not_after;
  };
  if (!held.newest || lasts_longer(*held.newest)) held.newest = *record;
  if (!record->certificate->valid_at(now)) return true;
  if (request.joint()) held.valid.push_back(*record);
  if (fresh && record->due(parts_.renewal) <= now) return true;
  if (fresh && request.joint() && !same_names(record->names, names)) return true;
  if (!held.usable || lasts_longer(*held.usable)) held.usable = std::move(*record);
  return true;
}

base::Task<Orders::Outcome> Orders::load(OrderRequest request) {
  auto held = co_await stored(request, request.names, false);
  if (!held.usable) co_return base::fail(std::move(held.usable.error()));
  serve_unless_newer(*held.usable, request);
  // Until there is one for all names, those that it does not cover keep what they have.
  for (const std::string& name : request.names) {
    if (parts_.certificates.find_exact(name)) continue;
    for (const Record& other : held.valid) {
      if (other.certificate->covers(name)) parts_.certificates.put({name}, other.certificate);
    }
  }
  co_return held.usable->certificate;
}

// What was read from storage may have been overtaken by an order meanwhile.
void Orders::serve_unless_newer(const Record& record, const OrderRequest& request) {
  const auto served = parts_.certificates.find_exact(record.names.front());
  const auto& leaf = record.certificate->leaf();
  if (served && served->leaf().not_before > leaf.not_before) return;
  serve(record, request);
}

// When the request's names are to be looked after next. One certificate for other names than these
// is no longer, or not yet, what is wanted.
base::WallTime Orders::due(const Record& record, const OrderRequest& request) {
  const base::WallTime due = record.due(parts_.renewal);
  if (!request.joint() || same_names(record.names, request.names)) return due;
  const Failures* known = failing_.find(request.name, base::TimePoint::min());
  const base::WallTime now = parts_.now();
  if (known == nullptr) return now;
  if (!same_names(record.names, names_to_order(request.names, *known, now))) return now;
  return std::min(due, next_of_left_out(*known).value_or(due));
}

void Orders::serve(const Record& record, const OrderRequest& request) {
  std::vector<std::string> covered;
  for (const std::string& name : request.names) {
    if (!request.joint() || record.certificate->covers(name)) covered.push_back(name);
  }
  parts_.certificates.put(covered, record.certificate);
  parts_.schedule.set(request.name, due(record, request));
  parts_.polls.watch(record);
}

}  // namespace gatehouse::certs
