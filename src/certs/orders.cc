#include "certs/orders.h"

#include <algorithm>

#include "base/log.h"
#include "certs/joint_names.h"
#include "certs/moment.h"

namespace gatehouse::certs {

namespace {

namespace log = base::log;

std::string joined_ids(const std::vector<Issuer*>& issuers) {
  std::string out;
  for (const Issuer* issuer : issuers) out += (out.empty() ? "" : " ") + issuer->id();
  return out;
}

base::Error backoff_error(std::string_view name, const Failures& failures) {
  return base::Error(base::Code::kOverload, base::Side::kCa,
                     "orders for " + std::string(name) + " failed " +
                         std::to_string(failures.count) + " times; next one at " +
                         text_of(failures.next_attempt) + " UTC; last: " + failures.last_error);
}

base::Duration time_of(const OrderRequest& request) {
  base::Duration extra{0};
  for (const Issuer* issuer : request.issuers) {
    extra = std::max(extra, issuer->extra_time(request.names.size()));
  }
  return std::min(Orders::kOrderTime + extra, Orders::kLongestOrder);
}

}  // namespace

Orders::Orders(Parts parts)
    : parts_(std::move(parts)),
      slots_(parts_.loop, parts_.at_once, kQueued),
      stopping_(parts_.loop),
      failing_(kFailing),
      breakers_(parts_.storage) {}

base::Task<Orders::Outcome> Orders::obtain(OrderRequest request) {
  if (const auto running = running_.find(request.name); running != running_.end()) {
    const std::shared_ptr<Running> joined = running->second;
    if (request.urgency == Urgency::kHandshake) slots_.hurry(joined->place);
    (void)co_await joined->ended.wait();
    co_return joined->outcome;
  }
  auto mine = std::make_shared<Running>(parts_.loop);
  running_.emplace(request.name, mine);
  mine->outcome = co_await run(request, mine);
  running_.erase(request.name);
  mine->ended.set();
  co_return mine->outcome;
}

base::Task<Orders::Outcome> Orders::run(OrderRequest request, std::shared_ptr<Running> mine) {
  if (auto error = backing_off(request.name, request.issuers)) co_return base::fail(*error);
  co_await wait_for_other(request);
  const base::Deadline deadline = base::Deadline::in(time_of(request));
  if (slots_.full()) base::count(parts_.abuse, base::Abuse::kOrders);
  const auto turn = co_await slots_.acquire(request.urgency, deadline, &mine->place);
  if (!turn) co_return base::fail(turn.error());
  Outcome outcome = co_await run_in_turn(request, deadline);
  slots_.release();
  co_return outcome;
}

// Takes the name's lease first, so that no other process orders it meanwhile. While another one
// does, waits for what it makes.
base::Task<Orders::Outcome> Orders::run_in_turn(const OrderRequest& request,
                                                base::Deadline deadline) {
  while (!stopping_.is_set()) {
    const base::Deadline pause = base::Deadline::in(kLeasePoll).min(deadline);
    auto lease = co_await parts_.inventory.lease(request.names.front(), pause);
    if (!lease && lease.error().code == base::Code::kOverload) {
      co_return base::fail(std::move(lease.error()));
    }
    if (!lease && lease.error().code != base::Code::kTimeout) {
      // Without storage nobody can be kept out, but visitors need their certificate.
      log::error("storage gives no lease; ordering without one",
                 {{"name", request.name}, {"error", lease.error().detail}});
      co_return co_await run_leased(request, deadline);
    }
    if (lease) {
      Outcome outcome = co_await run_leased(request, deadline);
      lease->release();
      co_return outcome;
    }
    Failures failures;
    if (request.joint()) failures = co_await failures_of(request);
    auto names = names_to_order(request.names, failures, parts_.now());
    auto held = co_await stored(request, std::move(names), true);
    if (held.usable) {
      serve_unless_newer(*held.usable, request);
      co_return held.usable->certificate;
    }
    if (deadline.passed()) break;
  }
  if (stopping_.is_set()) co_return base::fail(base::Code::kCancelled, "gatehouse is stopping");
  co_return base::fail(base::Code::kTimeout, base::Side::kStorage,
                       "another process is still ordering a certificate for " + request.name);
}

base::Task<Orders::Outcome> Orders::run_leased(const OrderRequest& request,
                                               base::Deadline deadline) {
  Failures failures = co_await failures_of(request);
  std::vector<std::string> names = names_to_order(request.names, failures, parts_.now());
  // Somebody else may have been faster, in success or in failure.
  auto held = co_await stored(request, names, true);
  if (held.usable) {
    serve_unless_newer(*held.usable, request);
    co_return held.usable->certificate;
  }
  if (held.usable.error().code == base::Code::kOverload) {
    co_return base::fail(std::move(held.usable.error()));
  }
  if (held.withheld) co_return base::fail(withhold(request));
  if (waits(failures) && held.stand_in) {
    serve_unless_newer(*held.stand_in, request);
    co_return held.stand_in->certificate;
  }
  if (waits(failures)) co_return base::fail(backoff_error(request.name, failures));
  const Former former = co_await of_former(request);
  const std::optional<Record> before = is_valid(held.newest) ? held.newest : former.ends_first();
  if (former.withheld && !is_valid(held.newest)) co_return base::fail(withhold(request));
  const std::optional<Record> known = held.newest ? held.newest : before;
  Attempt attempt = co_await ask_issuers(request, names, known, failures, deadline);
  for (unsigned round = 0; !attempt.certificate && round < kRounds; ++round) {
    if (deadline.passed()) break;
    if (!leave_out(names, attempt.blamed, failures, parts_.now())) break;
    // For those that are left there may be one already.
    auto rest = co_await stored(request, names, true);
    if (rest.usable) {
      co_await settle_failures(request, names, std::move(failures));
      serve_unless_newer(*rest.usable, request);
      co_return rest.usable->certificate;
    }
    attempt = co_await ask_issuers(request, names, known, failures, deadline);
  }
  if (attempt.certificate) {
    co_return co_await obtained(request, std::move(names), held, std::move(failures),
                                std::move(attempt));
  }
  if (!stopping_.is_set()) co_await failed(request, before, std::move(failures), attempt);
  co_return base::fail(std::move(attempt.error));
}

base::Task<Orders::Outcome> Orders::obtained(const OrderRequest& request,
                                             std::vector<std::string> names, const Held& held,
                                             Failures failures, Attempt attempt) {
  Record record;
  record.issuer = attempt.issuer->id();
  record.rsa_of_two = is_rsa_label(request.name);
  record.names = names;
  record.obtained = parts_.now();
  record.ca = std::move(attempt.origin.ca);
  record.account = std::move(attempt.origin.account);
  record.certificate = std::move(attempt.certificate);
  const bool follows = held.newest && held.newest->issuer == record.issuer;
  if (follows && same_names(held.newest->names, names)) record.follow(*held.newest);
  log::info("certificate obtained", {{"name", joined(request.labels_of(names))},
                                     {"issuer", record.issuer},
                                     {"serial", record.certificate->leaf().serial},
                                     {"not_after", text_of(record.not_after())},
                                     {"renewal", text_of(record.due(parts_.renewal))}});
  co_await save(record, attempt.issuer);
  const bool whole = names.size() == request.names.size();
  // What was left out, and who is asked again, is known before the next turn is reckoned.
  if (attempt.stand_in) {
    co_await keep_asking(request, failures, attempt);
  } else if (!whole) {
    co_await settle_failures(request, names, failures);
  }
  serve(record, request);
  if (parts_.events != nullptr) parts_.events->obtained(record, held.newest);
  const bool over = whole && !attempt.stand_in && !failures.none();
  if (over) co_await forget_failures(request.name);
  if (held.imported) co_await forget_imported(request);
  co_return record.certificate;
}

// Said once a minute at most, however many ask for it.
base::Error Orders::withhold(const OrderRequest& request) {
  Failures failures;
  failures.count = 1;
  failures.last_error = "it was revoked, and is not to be replaced";
  failures.issuers = joined_ids(request.issuers);
  failures.next_attempt = parts_.now() + retry_delay(1, random_fraction());
  failing_.put(request.name, failures, base::TimePoint::max());
  const std::string what = "the certificate of " + request.name +
                           " was revoked, and is not to be "
                           "replaced; \"gatehouse certificates revoke\" without --no-replace "
                           "orders another one";
  log::warn("a name goes without a certificate", {{"name", request.name}, {"reason", what}});
  return base::Error(base::Code::kCancelled, base::Side::kStorage, what);
}

// `names` have a certificate: only what was left out of it is still to be remembered.
base::Task<void> Orders::settle_failures(const OrderRequest& request,
                                         const std::vector<std::string>& names, Failures failures) {
  Failures rest;
  rest.issuers = joined_ids(request.issuers);
  for (const std::string& name : request.names) {
    const auto left_out = failures.left_out.find(name);
    const bool has = std::ranges::find(names, name) != names.end();
    if (left_out != failures.left_out.end() && !has) rest.left_out.insert(*left_out);
  }
  co_await keep(request.name, std::move(rest));
}

bool Orders::waits(const Failures& failures) const {
  const base::WallTime now = parts_.now();
  return failures.next_attempt > now && failures.next_attempt <= now + kLongestWait;
}

// Counts the failure and writes down when to try again.
base::Task<void> Orders::failed(const OrderRequest& request, const std::optional<Record>& before,
                                Failures failures, const Attempt& attempt) {
  const bool counts = attempt.asked && (!attempt.whole_issuer || failures.count < kTroubleCounts);
  const bool told = !attempt.asked && failures.count != 0;  // nothing new to say or to keep
  if (counts || failures.count == 0) ++failures.count;
  failures.last_error = attempt.error.detail;
  failures.issuers = joined_ids(request.issuers);
  failures.next_attempt = next_for(request, before, failures, attempt);
  failing_.put(request.name, failures, base::TimePoint::max());
  if (!told) {
    log::error("no certificate for a name; the next order waits",
               {{"name", joined(request.labels_of(request.names))},
                {"failures", failures.count},
                {"next_attempt", text_of(failures.next_attempt)},
                {"error", failures.last_error}});
  }
  if (before && parts_.now() >= emergency_line(before->dates())) {
    log::error("a certificate is about to expire, or has, and cannot be renewed",
               {{"name", request.name},
                {"issuer", before->issuer},
                {"not_after", text_of(before->not_after())}});
  }
  if (told) co_return;
  if (parts_.events != nullptr) {
    parts_.events->failed(request.names, before, failures, attempt.error, attempt.why);
  }
  co_await keep(request.name, std::move(failures));
}

// There is a certificate, but those who were to sign it gave none: they are asked again as if there
// were none, rather than when it is due.
base::Task<void> Orders::keep_asking(const OrderRequest& request, Failures failures,
                                     const Attempt& attempt) {
  const bool counts = attempt.asked && (!attempt.whole_issuer || failures.count < kTroubleCounts);
  if (counts || failures.count == 0) ++failures.count;
  failures.last_error = attempt.error.detail;
  failures.issuers = joined_ids(request.issuers);
  failures.next_attempt = next_for(request, std::nullopt, failures, attempt);
  log::warn("a certificate stands in until an issuer before its own signs; those are asked again",
            {{"name", joined(request.labels_of(request.names))},
             {"issuer", attempt.issuer->id()},
             {"next_attempt", text_of(failures.next_attempt)},
             {"error", failures.last_error}});
  co_await keep(request.name, std::move(failures));
}

base::Task<void> Orders::keep(const std::string& name, Failures failures) {
  failing_.put(name, failures, base::TimePoint::max());
  const auto saved = co_await parts_.inventory.save_failures(name, std::move(failures));
  if (saved) co_return;
  log::error("storage keeps no failure", {{"name", name}, {"error", saved.error().detail}});
}

base::Task<Failures> Orders::failures_of(const OrderRequest& request) {
  auto loaded = co_await parts_.inventory.load_failures(request.name);
  Failures failures;
  if (loaded) {
    failures = std::move(*loaded);
  } else if (const Failures* known = failing_.find(request.name, base::TimePoint::min())) {
    failures = *known;  // storage does not answer: memory is as good
  }
  std::erase_if(failures.not_before,
                [&](const auto& wait) { return wait.second > parts_.now() + kLongestWait; });
  if (failures.issuers != joined_ids(request.issuers)) {
    // The configuration names other issuers now: they get their chance at once.
    Failures anew;
    anew.count = failures.count == 0 ? 0 : 1;
    anew.of_challenge = failures.of_challenge;
    failures = std::move(anew);
    failures.issuers = joined_ids(request.issuers);
  }
  if (!failures.none()) failing_.put(request.name, failures, base::TimePoint::max());
  co_return failures;
}

std::optional<base::Error> Orders::backing_off(std::string_view name,
                                               const std::vector<Issuer*>& issuers) {
  const Failures* known = failing_.find(name, base::TimePoint::min());
  if (known == nullptr || !waits(*known)) return std::nullopt;
  if (known->issuers != joined_ids(issuers)) return std::nullopt;
  return backoff_error(name, *known);
}

std::optional<base::Error> Orders::left_out(const OrderRequest& request, const std::string& name) {
  const Failures* known = failing_.find(request.name, base::TimePoint::min());
  if (known == nullptr || !request.joint()) return std::nullopt;
  if (known->issuers != joined_ids(request.issuers)) return std::nullopt;
  const auto one = known->left_out.find(name);
  if (one == known->left_out.end() || one->second.next_attempt <= parts_.now()) {
    return std::nullopt;
  }
  return base::Error(base::Code::kOverload, base::Side::kCa,
                     name + " is left out of the certificate that it would share until " +
                         text_of(one->second.next_attempt) + " UTC: " + one->second.error);
}

base::WallTime Orders::next_attempt(std::string_view name) {
  const Failures* known = failing_.find(name, base::TimePoint::min());
  const base::WallTime soon = parts_.now() + retry_delay(1, random_fraction());
  // A past moment stands there when it was not the issuers that failed (a full queue, a lease).
  return known == nullptr || !waits(*known) ? soon : known->next_attempt;
}

unsigned Orders::failures(std::string_view name) {
  const Failures* known = failing_.find(name, base::TimePoint::min());
  return known == nullptr ? 0 : known->count;
}

base::Task<void> Orders::forget_failures(std::string name) {
  failing_.erase(name);
  const auto forgotten = co_await parts_.inventory.forget_failures(name);
  if (!forgotten) {
    log::warn("storage still holds an old failure",
              {{"name", name}, {"error", forgotten.error().detail}});
  }
}

// Durable before use. When storage fails, the certificate is served all the same, and saved later.
base::Task<void> Orders::save(Record record, Issuer* issuer) {
  const auto saved = co_await parts_.inventory.save(record);
  if (saved) {
    if (parts_.changes != nullptr) parts_.changes->note(record.label());
    co_await issuer->forget_order(record.label());
    co_return;
  }
  log::error("a certificate could not be stored; it is served from memory and stored later",
             {{"name", record.names.front()}, {"error", saved.error().detail}});
  if (unsaved_ >= kUnsaved) co_return;
  ++unsaved_;
  parts_.tasks.spawn(save_until_done(std::move(record), issuer), "storing a certificate later");
}

base::Task<void> Orders::save_until_done(Record record, Issuer* issuer) {
  base::Duration pause = kSaveAgain;
  bool last = false;
  while (true) {
    (void)co_await stopping_.wait(base::Deadline::in(pause));
    pause = std::min(pause * 2, kSaveAtMost);
    last = stopping_.is_set();
    const auto saved = co_await parts_.inventory.save_newer(record);
    if (saved) {
      if (parts_.changes != nullptr) parts_.changes->note(record.label());
      co_await issuer->forget_order(record.label());
      break;
    }
    if (!last) continue;
    log::error("a certificate is lost with this process: storage fails",
               {{"name", record.names.front()}, {"error", saved.error().detail}});
    break;
  }
  --unsaved_;
}

}  // namespace gatehouse::certs
