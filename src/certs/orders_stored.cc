// What storage has for names, and what of it is served.
#include <algorithm>
#include <functional>
#include <iterator>

#include "base/log.h"
#include "certs/joint_names.h"
#include "certs/orders.h"

namespace gatehouse::certs {

namespace log = base::log;

namespace {

// Whether each name of the request is served by one of these.
bool cover_all(const std::vector<Record>& records, const OrderRequest& request) {
  return std::ranges::all_of(request.names, [&](const std::string& name) {
    return std::ranges::any_of(records, [&](const Record& record) {
      return !request.joint() || record.certificate->covers(name);
    });
  });
}

}  // namespace

// `fresh`: only one that is not due for renewal yet, and for exactly these `names` of several, is
// usable, and none that stands in for what another issuer is to sign. Of several names each may be
// the one that a record is called by. Certificates that were imported count whoever signed them.
base::Task<Orders::Held> Orders::stored(const OrderRequest& request, std::vector<std::string> names,
                                        bool fresh) {
  Held held;
  held.usable = base::fail(base::Code::kNotFound, base::Side::kStorage,
                           "storage has none for " + request.name);
  for (Issuer* issuer : request.issuers) {
    for (const std::string& key : request.names) {
      auto record = co_await load_for(request, issuer->id(), key);
      const bool known =
          record && held.newest &&
          record->certificate->leaf().serial == held.newest->certificate->leaf().serial;
      if (known) continue;
      const bool whole = record && same_names(record->names, names);
      const bool answered = co_await hold(held, std::move(record), request, names, fresh);
      if (!answered) co_return held;
      if (whole) break;
    }
  }
  for (const std::string& key : request.names) {
    auto record = co_await load_for(request, "", key);
    held.imported = held.imported || record.has_value();
    // It is kept for one of its names, whichever it has.
    if (record && request.joint() && covers_all(*record->certificate, names)) {
      record->names = names;
    }
    const bool answered = co_await hold(held, std::move(record), request, names, fresh);
    if (!answered) break;
  }
  co_return held;
}

// Keeps a record of the names, if it is better than what is held. False: storage is too busy to
// say, and so `held` does.
base::Task<bool> Orders::hold(Held& held, base::Result<Record> record, const OrderRequest& request,
                              const std::vector<std::string>& names, bool fresh) {
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
    withdraw(*record, request);
    held.withheld = held.withheld || !record->revoked->replace;
    co_return true;
  }
  // At a handshake nobody waits for the plan: who looks after renewals finds it.
  if (fresh) {
    record->plan = co_await parts_.inventory.load_plan(record->issuer, record->label());
  }
  const base::WallTime now = parts_.now();
  const auto lasts_longer = [&](const Record& other) {
    return record->not_after() > other.not_after();
  };
  if (!held.newest || lasts_longer(*held.newest)) held.newest = *record;
  // One that is not valid yet says that this clock is behind: another would be no better.
  if (record->not_after() <= now) co_return true;
  if (request.joint()) held.valid.push_back(*record);
  if (fresh && record->due(parts_.renewal) <= now) co_return true;
  if (fresh && request.joint() && !same_names(record->names, names)) co_return true;
  if (fresh && stands_in(record->issuer, request.issuers)) {
    if (!held.stand_in || lasts_longer(*held.stand_in)) held.stand_in = std::move(*record);
    co_return true;
  }
  if (!held.usable || lasts_longer(*held.usable)) held.usable = std::move(*record);
  co_return true;
}

base::Task<Orders::Outcome> Orders::load(OrderRequest request) {
  auto held = co_await stored(request, request.names, false);
  const bool has_own = held.usable.has_value();
  if (!has_own && held.usable.error().code != base::Code::kNotFound) {
    co_return base::fail(std::move(held.usable.error()));
  }
  std::vector<Record> others = std::move(held.valid);
  if (has_own) others.push_back(*held.usable);
  if (!cover_all(others, request)) {
    Former former = co_await of_former(request);
    if (!has_own && former.valid.empty()) co_return base::fail(std::move(held.usable.error()));
    if (!has_own) held.usable = former.best(request.names);
    std::ranges::move(former.valid, std::back_inserter(others));
  }
  serve_unless_newer(*held.usable, request);
  if (!has_own && parts_.renewal.replace_former) {
    parts_.schedule.set(request.name, replacement_of(*held.usable));
  }
  // Until there is one for all names, those that it does not cover keep what they have.
  for (const std::string& name : request.names) {
    if (parts_.certificates.find_exact(name, request.keys)) continue;
    for (const Record& other : others) {
      if (!other.certificate->covers(name)) continue;
      parts_.certificates.put({name}, other.certificate, request.keys);
    }
  }
  if (parts_.key_types.had_two(request.names.front())) co_await serve_former_kind(request);
  co_return held.usable->certificate;
}

// What was revoked since it was loaded.
void Orders::withdraw(const Record& record, const OrderRequest& request) {
  const std::string& serial = record.certificate->leaf().serial;
  for (const std::string& name : request.names) {
    const auto served = parts_.certificates.find_exact(name, request.keys);
    if (!served || served->leaf().serial != serial) continue;
    parts_.certificates.remove(name, request.keys);
    log::warn("a certificate was revoked; it is not served any more",
              {{"name", name}, {"serial", serial}});
  }
}

void Orders::know_former(std::string_view issuer) {
  if (former_.size() < kFormer) former_.emplace(issuer);
}

// The moment is the name's, so that it stays when the record is read once more.
base::WallTime Orders::replacement_of(const Record& record) {
  const base::WallTime now = parts_.now();
  if (replaced_++ == 0) replacing_since_ = now;
  if (replaced_ <= kReplacedAtOnce) return now;
  const std::chrono::seconds left = record.not_after() - now;
  const auto within = std::min(kReplaceWithin, left / 4);
  const std::size_t spread = std::hash<std::string>()(record.label());
  const auto wait = spread % static_cast<std::size_t>(std::max<std::int64_t>(within.count(), 1));
  return std::max(now, replacing_since_ + std::chrono::seconds(wait));
}

std::vector<std::string> Orders::former_issuers(const std::vector<Issuer*>& issuers) const {
  std::vector<std::string> former(former_.begin(), former_.end());
  std::erase_if(former, [&](const std::string& id) {
    return std::ranges::find(issuers, id, &Issuer::id) != issuers.end();
  });
  return former;
}

// Of what issuers have signed that the request does not name: for each of its names the one that is
// valid longest.
base::Task<Orders::Former> Orders::of_former(const OrderRequest& request) {
  Former former;
  std::vector<Record> all;
  const std::vector<std::string> issuers = former_issuers(request.issuers);
  for (const std::string& issuer : issuers) {
    for (const std::string& name : request.names) {
      auto record = co_await load_for(request, issuer, name);
      if (!record) continue;
      if (record->revoked) {
        withdraw(*record, request);
        former.withheld = former.withheld || !record->revoked->replace;
        continue;
      }
      if (record->not_after() > parts_.now()) all.push_back(std::move(*record));
    }
  }
  std::ranges::sort(all, std::greater(), &Record::not_after);
  std::vector<std::string> open = request.names;
  for (Record& record : all) {
    const auto covered = std::erase_if(open, [&](const std::string& name) {
      return !request.joint() || record.certificate->covers(name);
    });
    if (covered != 0) former.valid.push_back(std::move(record));
  }
  co_return former;
}

Record Orders::Former::best(const std::vector<std::string>& names) const {
  const auto whole = std::ranges::find_if(
      valid, [&](const Record& record) { return same_names(record.names, names); });
  return whole == valid.end() ? valid.front() : *whole;
}

std::optional<Record> Orders::Former::ends_first() const {
  return valid.empty() ? std::nullopt : std::optional(valid.back());
}

bool Orders::is_valid(const std::optional<Record>& record) const {
  return record && record->certificate->valid_at(parts_.now());
}

// What was read from storage may have been overtaken by an order meanwhile.
void Orders::serve_unless_newer(const Record& record, const OrderRequest& request) {
  const auto served = parts_.certificates.find_exact(record.names.front(), request.keys);
  const auto& leaf = record.certificate->leaf();
  if (served && served->leaf().not_before > leaf.not_before) return;
  serve(record, request);
}

// When the request's names are to be looked after next. One certificate for other names than these
// is no longer, or not yet, what is wanted.
base::WallTime Orders::due(const Record& record, const OrderRequest& request) {
  base::WallTime due = record.due(parts_.renewal);
  const Failures* known = failing_.find(request.name, base::TimePoint::min());
  const base::WallTime now = parts_.now();
  if (stands_in(record.issuer, request.issuers)) {
    due = std::min(due, known != nullptr && waits(*known) ? known->next_attempt : now);
  }
  if (!request.joint() || same_names(record.names, request.names)) return due;
  if (known == nullptr) return now;
  if (!same_names(record.names, names_to_order(request.names, *known, now))) return now;
  return std::min(due, next_of_left_out(*known).value_or(due));
}

void Orders::serve(const Record& record, const OrderRequest& request) {
  std::vector<std::string> covered;
  for (const std::string& name : request.names) {
    if (!request.joint() || record.certificate->covers(name)) covered.push_back(name);
  }
  parts_.certificates.put(covered, record.certificate, request.keys);
  parts_.schedule.set(request.name, due(record, request));
  parts_.polls.watch(record);
  if (parts_.events != nullptr) parts_.events->watch(record);
  if (parts_.staples != nullptr) parts_.staples->watch(record);
}

// Its time is over: from now on what the names' issuers sign is served.
base::Task<void> Orders::forget_imported(const OrderRequest& request) {
  for (const std::string& name : request.names) {
    const auto forgotten = co_await parts_.inventory.forget_imported(request.label_of(name));
    if (forgotten) continue;
    log::warn("storage still holds the note of an import",
              {{"name", name}, {"error", forgotten.error().detail}});
  }
}

}  // namespace gatehouse::certs
