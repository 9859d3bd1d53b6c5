#include "certs/renewals.h"

#include <algorithm>
#include <optional>

#include "base/log.h"

namespace gatehouse::certs {

base::Task<void> Renewals::run() {
  while (true) {
    const auto turn = co_await turns_.acquire(Urgency::kBackground, base::Deadline::never());
    if (!turn) co_return;
    auto name = co_await parts_.schedule.next();
    if (!name) co_return;
    if (!parts_.tasks.spawn(renew(std::move(*name)), "a renewal")) co_return;
  }
}

base::Task<void> Renewals::renew(std::string name) {
  (void)co_await renew_in_turn(name);  // a failure is told, and tried again
  turns_.release();
}

base::Task<base::Result<void>> Renewals::renew_now(std::string label) {
  parts_.schedule.remove(label);
  co_return co_await renew_in_turn(label);
}

base::Task<base::Result<void>> Renewals::renew_in_turn(const std::string& label) {
  const std::string name(name_of_label(label));
  const KeyTypes& types = parts_.orders.key_types();
  const HostRules::Match site = parts_.rules.find(name);
  const Source source = site.policy == nullptr ? Source::kNone : site.policy->source;
  const bool ours = source == Source::kManaged || source == Source::kOnDemand;
  if (!ours || site.certificate_name(name) != name) {
    co_return base::fail(base::Code::kDenied, "no site wants a certificate for " + name);
  }
  if (!types.wants(label)) {
    // One that was to run out is due only when it must not be served any more.
    if (types.had_two(name)) parts_.certificates.remove(name, types.kinds(label));
    co_return base::fail(base::Code::kDenied, "tls.key_type does not ask for " + label);
  }
  if (source == Source::kOnDemand) {
    const bool allowed = co_await still_allowed(label);
    if (!allowed) co_return base::fail(base::Code::kDenied, name + " is not allowed any more");
  }
  std::vector<std::string> names = site.certificate_names(name);
  std::vector<Issuer*> issuers = parts_.issuers.for_names(names, *site.policy);
  const Urgency urgency = urgency_of(label, parts_.certificates, parts_.now());
  OrderRequest order(std::move(names), std::move(issuers), urgency, types.kinds(label));
  const auto outcome = co_await parts_.orders.obtain(std::move(order));
  if (outcome) co_return base::Result<void>();
  after_failure(label, source, outcome.error());
  co_return base::fail(base::Error(outcome.error()));
}

// A no ends the renewal, not what is being served: that lasts until it expires, and the answer may
// change until then. Silence is no no.
base::Task<bool> Renewals::still_allowed(const std::string& label) {
  const std::string name(name_of_label(label));
  const Ruling ruling = co_await parts_.permission.check(name);
  if (ruling.verdict != Verdict::kDenied) co_return true;
  base::log::warn("a certificate is not renewed: its name is not allowed any more",
                  {{"name", label}, {"reason", ruling.reason}});
  const tls::KeyKinds keys = parts_.orders.key_types().kinds(label);
  const auto serving = parts_.certificates.find_exact(name, keys);
  const base::WallTime now = parts_.now();
  if (!serving) co_return false;
  if (serving->leaf().not_after <= now) {
    parts_.certificates.remove(name, keys);
    co_return false;
  }
  parts_.schedule.set(label, std::min(now + kAskAgain, serving->leaf().not_after));
  co_return false;
}

void Renewals::after_failure(const std::string& label, Source source, const base::Error& error) {
  // Gatehouse stops; or what there was is revoked, and not to be replaced.
  if (error.code == base::Code::kCancelled) return;
  const std::string_view name = name_of_label(label);
  const tls::KeyKinds keys = parts_.orders.key_types().kinds(label);
  const auto serving = parts_.certificates.find_exact(name, keys);
  const bool valid = serving && serving->valid_at(parts_.now());
  if (source == Source::kOnDemand && !valid && parts_.orders.failures(label) >= kGiveUp) {
    base::log::warn("a name on demand is given up until somebody asks for it again",
                    {{"name", label}, {"error", error.detail}});
    parts_.certificates.remove(name, keys);
    return;
  }
  parts_.schedule.set(label, parts_.orders.next_attempt(label));
}

}  // namespace gatehouse::certs
