#include "certs/renewal_polls.h"

#include <algorithm>

#include "base/log.h"
#include "certs/key_types.h"
#include "certs/moment.h"

namespace gatehouse::certs {

RenewalPolls::RenewalPolls(Parts parts)
    : parts_(std::move(parts)),
      polls_(parts_.loop, parts_.now),
      turns_(parts_.loop, kAtOnce, 1),
      failing_(kFailing) {}

void RenewalPolls::watch(const Record& record) {
  if (parts_.policy.ask_issuers) polls_.set(record.label(), first_question(record.dates()));
}

base::Task<void> RenewalPolls::run() {
  while (true) {
    const auto turn = co_await turns_.acquire(Urgency::kBackground, base::Deadline::never());
    if (!turn) co_return;
    auto name = co_await polls_.next();
    if (!name) co_return;
    if (!parts_.tasks.spawn(poll(std::move(*name)), "renewal information")) co_return;
  }
}

base::Task<void> RenewalPolls::poll(std::string name) {
  co_await poll_in_turn(name);
  turns_.release();
}

base::Task<void> RenewalPolls::poll_in_turn(const std::string& label) {
  const std::string_view name = name_of_label(label);
  const HostRules::Match site = parts_.rules.find(name);
  if (site.policy == nullptr) co_return;
  // What is planned here is for what storage holds.
  co_await parts_.look(label);
  const std::vector<Issuer*> issuers = parts_.issuers.for_name(name, *site.policy);
  auto record = co_await newest(label, issuers);
  // Whoever serves a new one watches it.
  if (!record || record->not_after() <= parts_.now()) co_return;
  record->plan = co_await parts_.inventory.load_plan(record->issuer, label);
  const bool known = record->plan && record->plan->serial == record->certificate->leaf().serial;
  const base::WallTime now = parts_.now();
  // What lies beyond the longest wait was written under a clock that has been set back since.
  const bool waits =
      known && record->plan->ask_again > now && record->plan->ask_again <= now + acme::kAskLatest;
  if (!waits) {
    const auto issuer = std::ranges::find(issuers, record->issuer, &Issuer::id);
    co_await ask(**issuer, *record);
  } else {
    // Another process, or an earlier one, has asked. It goes first the next time too.
    polls_.set(label, record->plan->ask_again + kAfterOthers);
  }
  // What is not scheduled is being renewed right now, or was given up.
  std::string certificate(site.certificate_name(name));
  if (is_rsa_label(label)) certificate = rsa_label(certificate);
  const auto scheduled = parts_.renewals.due(certificate);
  if (!record->plan || !scheduled) co_return;
  base::WallTime due = record->due(parts_.policy);
  // What is sooner for a name that was left out stays so.
  if (site.policy->joint) due = std::min(due, *scheduled);
  parts_.renewals.set(certificate, due);
}

base::Task<std::optional<Record>> RenewalPolls::newest(const std::string& label,
                                                       const std::vector<Issuer*>& issuers) {
  std::optional<Record> newest;
  for (const Issuer* issuer : issuers) {
    auto record = co_await parts_.inventory.load(issuer->id(), label);
    if (!record || record->revoked) continue;
    const bool newer = !newest || record->not_after() > newest->not_after();
    if (newer) newest = std::move(*record);
  }
  co_return newest;
}

// Leaves what the issuer says in the record's plan.
base::Task<void> RenewalPolls::ask(Issuer& issuer, Record& record) {
  const std::string name = record.label();
  if (left_alone(record)) co_return;
  const auto info =
      co_await issuer.renewal_info(record.certificate, base::Deadline::in(kQuestionTime));
  if (!info) {
    failed(record, info.error());
    co_return;
  }
  failing_.erase(name);
  breaker_of(record).answered();
  // A person may have demanded a renewal while the issuer was asked.
  record.plan = co_await parts_.inventory.load_plan(record.issuer, name);
  const base::WallTime before = record.due(parts_.policy);
  RenewalPlan plan = plan_renewal(record.certificate->leaf().serial, *info, record.plan,
                                  parts_.now(), random_fraction());
  record.plan = plan;
  polls_.set(name, plan.ask_again);
  const base::WallTime due = record.due(parts_.policy);
  if (due != before) {
    base::log::info("the CA says when to renew", {{"name", name},
                                                  {"issuer", record.issuer},
                                                  {"serial", plan.serial},
                                                  {"from", text_of(plan.start)},
                                                  {"to", text_of(plan.end)},
                                                  {"renewal", text_of(due)},
                                                  {"explanation", info->explanation}});
  }
  const auto saved = co_await parts_.inventory.save_plan(record.issuer, name, std::move(plan));
  if (!saved) {
    base::log::warn("storage keeps no renewal information; it is asked for again after a restart",
                    {{"name", name}, {"error", saved.error().detail}});
  }
}

Breaker& RenewalPolls::breaker_of(const Record& record) {
  return breakers_.try_emplace(record.issuer, kLongestPause).first->second;
}

// Whether the issuer errs with every question, so that this one waits.
bool RenewalPolls::left_alone(const Record& record) {
  Breaker& breaker = breaker_of(record);
  if (breaker.take(parts_.now())) return false;
  const double spread = random_fraction() * static_cast<double>(kSpread.count());
  polls_.set(record.label(),
             breaker.next() + std::chrono::seconds(static_cast<std::int64_t>(spread)));
  return true;
}

void RenewalPolls::failed(const Record& record, const acme::Failure& failure) {
  const bool unsupported = failure.error.code == base::Code::kUnsupported;
  if (unsupported || (failure.problem && !failure.problem->handling().whole_ca)) {
    breaker_of(record).answered();
  } else {
    breaker_of(record).failed(parts_.now());
  }
  if (unsupported) return;
  const std::string name = record.label();
  const unsigned* before = failing_.find(name, base::TimePoint::min());
  const unsigned count = before == nullptr ? 1 : *before + 1;
  failing_.put(name, count, base::TimePoint::max());
  std::chrono::seconds pause = std::min(retry_delay(count, random_fraction()), kLongestPause);
  if (failure.retry_after) {
    pause = std::clamp(*failure.retry_after, std::max(pause, acme::kAskSoonest), acme::kAskLatest);
  }
  polls_.set(name, parts_.now() + pause);
  if (count > 1) return;
  base::log::warn("the CA does not say when to renew; the certificate's life decides meanwhile",
                  {{"name", name}, {"issuer", record.issuer}, {"error", failure.error.detail}});
}

}  // namespace gatehouse::certs
