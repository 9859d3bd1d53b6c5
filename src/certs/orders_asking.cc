// Which issuer is asked for a certificate, in which turn, and what comes of its answers.
#include <algorithm>
#include <array>

#include "base/log.h"
#include "certs/joint_names.h"
#include "certs/moment.h"
#include "certs/orders.h"

namespace gatehouse::certs {

namespace log = base::log;

namespace {

// A bound of ours, rather than the issuer, said no.
bool is_own_bound(const base::Error& error) {
  return error.code == base::Code::kOverload && error.side == base::Side::kLocal;
}

// How long the issuer wants to be left alone; zero when it did not say.
std::chrono::seconds patience_of(const IssueError& why) {
  constexpr std::chrono::seconds kMost = std::chrono::days(30);
  const base::TimePoint now = base::Clock::now();
  if (why.not_before.at() <= now) return std::chrono::seconds(0);
  if (why.not_before.at() >= now + kMost) return kMost;
  return std::chrono::ceil<std::chrono::seconds>(why.not_before.at() - now);
}

}  // namespace

// A renewal begins with the CA that signed before: there the order may replace the old certificate,
// and what was proved may be known still. Then the list from its beginning. Who signs without
// looking at names has nothing of either, and may have signed only since the others did not.
std::vector<Issuer*> Orders::in_turn(const OrderRequest& request,
                                     const std::optional<Record>& before) {
  std::vector<Issuer*> issuers = request.issuers;
  if (!before) return issuers;
  const auto same = std::ranges::find(issuers, before->issuer, &Issuer::id);
  if (same == issuers.end() || !(*same)->validates()) return issuers;
  std::rotate(issuers.begin(), same, same + 1);
  return issuers;
}

bool Orders::stands_in(std::string_view issuer, const std::vector<Issuer*>& issuers) {
  const auto signer = std::ranges::find(issuers, issuer, &Issuer::id);
  if (signer == issuers.end() || (*signer)->validates()) return false;
  return std::any_of(issuers.begin(), signer,
                     [](const Issuer* before) { return before->validates(); });
}

// Whether the issuer could only stand in for others, and what is there need not be replaced by
// that: it is another one of its kind that is not due, or one of those others that is not about to
// expire.
bool Orders::is_worse(const Issuer& issuer, const OrderRequest& request,
                      const std::vector<std::string>& names,
                      const std::optional<Record>& before) const {
  if (!is_valid(before) || !stands_in(issuer.id(), request.issuers)) return false;
  if (!covers_all(*before->certificate, names)) return false;
  const base::WallTime now = parts_.now();
  if (stands_in(before->issuer, request.issuers)) return before->due(parts_.renewal) > now;
  return now < emergency_line(before->dates());
}

// Whether there is time to wait for the issuer to mend, rather than go to another: more than a
// sixth of the life is left.
bool Orders::outlasts_trouble(const std::optional<Record>& before) const {
  if (!is_valid(before)) return false;
  const RenewalDates dates = before->dates();
  const std::chrono::seconds left = dates.not_after - parts_.now();
  return left > (dates.not_after - dates.not_before) / 6;
}

bool Orders::asked_for_patience(const Issuer& issuer, const Failures& failures) const {
  const auto wait = failures.not_before.find(issuer.id());
  return wait != failures.not_before.end() && wait->second > parts_.now();
}

void Orders::learn(const OrderRequest& request, const Issuer& issuer, const IssueError& why,
                   Failures& failures, Attempt& attempt) {
  attempt.error = why.error;
  attempt.whole_issuer = why.whole_issuer;
  attempt.lasting = why.lasting;
  failures.of_challenge = failures.of_challenge || why.of_challenge;
  attempt.blamed = why.names;
  failures.not_before.erase(issuer.id());
  const auto patience = patience_of(why);
  if (patience.count() > 0) failures.not_before[issuer.id()] = parts_.now() + patience;
  Breaker& breaker = breakers_.of(issuer.id());
  const bool closed = !breaker.open();
  if (why.whole_issuer && patience.count() > 0) {
    breaker.rest(parts_.now(), patience);
  } else if (why.whole_issuer) {
    breaker.failed(parts_.now());
  } else if (why.error.side == base::Side::kCa) {
    breaker.answered();  // what went wrong on our side says nothing of it
  }
  attempt.why = why;
  const std::string to_do = why.advice.empty() ? "" : "; to do: " + why.advice;
  log::warn("an issuer gave no certificate", {{"name", joined(request.labels_of(request.names))},
                                              {"issuer", issuer.id()},
                                              {"lasting", why.lasting ? "yes" : "no"},
                                              {"error", why.error.detail + to_do}});
  if (!closed || !breaker.open()) return;
  log::error("an issuer errs for everybody; no order goes there for a while",
             {{"issuer", issuer.id()}, {"until", text_of(breaker.next())}});
}

// The key that a renewal keeps, where that is wanted and time is all that the certificate is
// renewed for: a window in the past may be a CA's word that it is to be replaced. Else empty.
tls::PrivateKey Orders::kept_key(tls::KeyType type, const std::optional<Record>& before) const {
  static constexpr std::array<std::string_view, 4> kTypes{"p256", "p384", "rsa2048", "rsa4096"};
  if (!parts_.renewal.reuse_key || !before) return {};
  const tls::PrivateKey& key = before->certificate->key();
  const auto& plan = before->plan;
  const bool of_this = plan && plan->serial == before->certificate->leaf().serial;
  if (of_this && plan->end <= parts_.now()) return {};
  return key.type_name() == kTypes[static_cast<std::size_t>(type)] ? key : tls::PrivateKey();
}

base::Task<Orders::Attempt> Orders::ask_issuers(const OrderRequest& request,
                                                std::vector<std::string> names,
                                                const std::optional<Record>& before,
                                                Failures& failures, base::Deadline deadline) {
  Attempt attempt;
  attempt.error =
      base::Error(base::Code::kOverload, base::Side::kCa,
                  "every issuer of " + request.name + " is left alone: it asked for that, or errs");
  bool seen_from_outside = false;  // and found wrong
  for (Issuer* issuer : in_turn(request, before)) {
    if (deadline.passed()) break;
    co_await breakers_.know(issuer->id(), parts_.now());
    if (seen_from_outside && issuer->validates()) continue;
    if (is_worse(*issuer, request, names, before)) {
      attempt.stand_in = true;
      continue;
    }
    if (asked_for_patience(*issuer, failures)) continue;
    const bool same = before && before->issuer == issuer->id();
    const bool again = same && same_names(before->names, names);
    const base::WallTime now = parts_.now();
    const auto next = again ? before->wait_for_next(now, parts_.key_types.two()) : now;
    if (next > now) {
      failures.not_before[issuer->id()] = next;
      continue;
    }
    if (!breakers_.of(issuer->id()).take(parts_.now())) {
      if (same && outlasts_trouble(before)) break;
      continue;
    }
    const tls::KeyType type = parts_.key_types.of(request.name);
    auto generate = [type, kept = kept_key(type, before)] {
      return kept ? base::Result<tls::PrivateKey>(kept) : tls::PrivateKey::generate(type);
    };
    auto key = co_await parts_.blocking.run(generate);
    if (!key) {
      attempt.error = std::move(key.error());
      continue;
    }
    IssueRequest wanted(names, std::move(*key), deadline);
    if (same && parts_.renewal.ask_issuers) wanted.replaces = before->certificate;
    wanted.label = request.label_of(names.front());
    wanted.urgency = request.urgency;
    wanted.again = again;
    wanted.failed_before = failures.of_challenge;
    auto issued = co_await issuer->issue(std::move(wanted));
    if (issued) {
      breakers_.of(issuer->id()).answered();
      co_await breakers_.keep(issuer->id());
      attempt.certificate = std::move(*issued);
      attempt.issuer = issuer;
      attempt.origin = issuer->origin();
      attempt.stand_in = stands_in(issuer->id(), request.issuers);
      co_return attempt;
    }
    attempt.asked = attempt.asked || !is_own_bound(issued.error().error);
    learn(request, *issuer, issued.error(), failures, attempt);
    co_await breakers_.keep(issuer->id());
    if (!issued.error().other_issuer) seen_from_outside = true;
    // Or it wants time for this one order, which is taken up then.
    const bool passes = attempt.whole_issuer || attempt.error.code == base::Code::kTimeout;
    if (same && passes && outlasts_trouble(before)) break;
  }
  co_return attempt;
}

// When a name whose order failed is tried again: the wait of its failures, though no sooner than
// its issuers may be asked.
base::WallTime Orders::next_for(const OrderRequest& request, const std::optional<Record>& before,
                                const Failures& failures, const Attempt& attempt) {
  const base::WallTime now = parts_.now();
  std::chrono::seconds delay(0);
  if (attempt.asked) {
    const unsigned count =
        attempt.lasting ? std::max(failures.count, kLastingCounts) : failures.count;
    delay = retry_delay(count, random_fraction());
  }
  if (is_valid(before)) {
    const std::chrono::seconds left = before->not_after() - now;
    delay = std::min(delay, std::max(left / 4, kRenewAgain));
  }
  std::optional<base::WallTime> soonest;  // when the first issuer may be asked again
  for (const Issuer* issuer : request.issuers) {
    if (attempt.stand_in && !issuer->validates()) continue;
    const auto wait = failures.not_before.find(issuer->id());
    base::WallTime at = wait == failures.not_before.end() ? now : wait->second;
    const Breaker& breaker = breakers_.of(issuer->id());
    if (breaker.open()) at = std::max(at, breaker.next());
    soonest = soonest ? std::min(*soonest, at) : at;
  }
  const base::WallTime next = std::max(now + delay, soonest.value_or(now));
  if (attempt.asked) return next;
  // Not all who wait for one issuer at once.
  if (!outlasts_trouble(before)) return next + retry_delay(1, random_fraction());
  const double spread = random_fraction() * static_cast<double>(kSpread.count());
  return next + std::chrono::seconds(static_cast<std::int64_t>(spread));
}

}  // namespace gatehouse::certs
