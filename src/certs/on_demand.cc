#include "certs/on_demand.h"

#include <algorithm>
#include <utility>

#include "base/endpoint.h"
#include "base/log.h"
#include "tls/client_hello.h"

namespace gatehouse::certs {

bool TokenBucket::take(base::TimePoint now) {
  if (per_minute_ == 0) return true;
  if (filled_ != base::TimePoint::min()) {
    const std::chrono::duration<double> passed = now - filled_;
    const double most = static_cast<double>(per_minute_);
    tokens_ = std::min(most, tokens_ + passed.count() * most / 60.0);
  }
  filled_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

namespace {

// Whether a look-up in storage that found nothing is followed by an order. Storage that is only
// busy may well hold a certificate.
bool orders_instead(const base::Error& error) { return error.code != base::Code::kOverload; }

// Policy said no, rather than a CA.
bool refused_by_us(const base::Error& error) {
  return error.code == base::Code::kDenied && error.side == base::Side::kLocal;
}

}  // namespace

OnDemand::OnDemand(Parts parts)
    : parts_(std::move(parts)), new_names_(parts_.new_names_per_minute) {}

void OnDemand::request(std::string name, Answer answer, tls::KeyKinds keys) {
  if (stopped_) return answer(base::fail(base::Code::kCancelled, "gatehouse is stopping"));
  // An address comes from who was asked for no name, and only when it is a site's host.
  const bool address = base::is_ip_literal(name) && parts_.rules.find(name).host == name;
  if (!address && !tls::is_host_name(name)) {
    return answer(base::fail(base::Code::kDenied, "no host name: " + name));
  }
  // It may have come while the question was on its way here.
  auto certificate = parts_.certificates.find(name, keys, parts_.now());
  if (certificate && certificate->leaf().not_after > parts_.now()) {
    return answer(std::move(certificate));
  }
  const std::string label = parts_.orders.key_types().label_for(name, keys);
  if (const auto open = waiting_.find(label); open != waiting_.end()) {
    open->second.push_back(std::move(answer));
    return;
  }
  if (waiting_.size() >= kNames) {
    return answer(base::fail(base::Code::kOverload, "too many names wait for a certificate"));
  }
  waiting_[label].push_back(std::move(answer));
  // Refused only when the gate is closed, which follows stop(): stopped_ was looked at.
  parts_.tasks.spawn(fly(label), "a certificate on demand");
}

void OnDemand::stop() {
  stopped_ = true;
  auto waiting = std::move(waiting_);
  waiting_.clear();
  for (auto& [name, answers] : waiting) {
    for (auto& answer : answers) {
      answer(base::fail(base::Code::kCancelled, "gatehouse is stopping"));
    }
  }
}

base::Task<void> OnDemand::fly(std::string label) {
  Outcome outcome = co_await resolve(label);
  if (!outcome && !refused_by_us(outcome.error())) {
    if (auto old = parts_.certificates.find(name_of_label(label))) outcome = std::move(old);
  }
  const auto found = waiting_.find(label);
  if (found == waiting_.end()) co_return;  // stop() has answered
  const std::vector<Answer> answers = std::move(found->second);
  waiting_.erase(found);
  for (const auto& answer : answers) answer(outcome);
}

base::Task<OnDemand::Outcome> OnDemand::resolve(std::string label) {
  const std::string name(name_of_label(label));
  const HostRules::Match site = parts_.rules.find(name);
  const Source source = site.policy == nullptr ? Source::kNone : site.policy->source;
  if (source != Source::kManaged && source != Source::kOnDemand) {
    co_return base::fail(base::Code::kDenied, "no site obtains certificates for " + name);
  }
  std::vector<std::string> names = site.certificate_names(name);
  std::vector<Issuer*> issuers = parts_.issuers.for_names(names, *site.policy);
  if (source == Source::kOnDemand) {
    co_return co_await resolve_on_demand(std::move(label), std::move(issuers));
  }
  const tls::KeyKinds keys = parts_.orders.key_types().kinds(label);
  const OrderRequest order(std::move(names), std::move(issuers), Urgency::kHandshake, keys);
  // One of several names that the others did not wait for.
  if (auto error = parts_.orders.left_out(order, name)) co_return base::fail(std::move(*error));
  Outcome stored = co_await parts_.orders.load(order);
  const bool shared = site.policy->joint != nullptr;
  if (stored && (!shared || (*stored)->covers(name))) co_return stored;
  if (!stored && !orders_instead(stored.error())) co_return stored;
  Outcome obtained = co_await parts_.orders.obtain(order);
  if (!obtained || !shared || (*obtained)->covers(name)) co_return obtained;
  auto error = parts_.orders.left_out(order, name);
  if (error) co_return base::fail(std::move(*error));
  co_return base::fail(base::Code::kOverload, "the certificate for " + name + " is not there yet");
}

// Permission comes before storage, so that names tried at random cost no disk; but an application
// that does not answer takes no certificate away from a name that has one.
base::Task<OnDemand::Outcome> OnDemand::resolve_on_demand(std::string label,
                                                          std::vector<Issuer*> issuers) {
  const std::string name(name_of_label(label));
  if (auto error = parts_.orders.backing_off(label, issuers)) co_return base::fail(*error);
  const bool seen = parts_.schedule.due(label) || parts_.permission.known(name);
  if (!seen && !new_names_.take(base::Clock::now())) {
    base::count(parts_.abuse, base::Abuse::kNewNames);
    co_return base::fail(base::Code::kOverload,
                         "more new names a minute than limits.new_names_per_minute");
  }
  const Ruling ruling = co_await parts_.permission.check(name);
  if (ruling.verdict == Verdict::kDenied) {
    co_return base::fail(base::Code::kDenied, name + " is not allowed: " + ruling.reason);
  }
  std::vector<std::string> names(1, name);
  const tls::KeyKinds keys = parts_.orders.key_types().kinds(label);
  OrderRequest order(std::move(names), std::move(issuers), Urgency::kHandshake, keys);
  Outcome stored = co_await parts_.orders.load(order);
  if (stored) put_down_other(label);
  if (stored || !orders_instead(stored.error())) co_return stored;
  if (ruling.verdict == Verdict::kUnknown) {
    co_return base::fail(base::Code::kDenied, name + " is not allowed: " + ruling.reason);
  }
  Outcome obtained = co_await parts_.orders.obtain(std::move(order));
  if (obtained) put_down_other(label);
  co_return obtained;
}

// Nobody waits for the certificate with the other kind of key: it is loaded or ordered as renewals
// are.
void OnDemand::put_down_other(std::string_view label) {
  const KeyTypes& types = parts_.orders.key_types();
  const std::string_view name = name_of_label(label);
  for (const std::string& other : types.labels(name)) {
    if (other == label || parts_.certificates.find_exact(name, types.kinds(other))) continue;
    parts_.schedule.set(other, parts_.now());
  }
}

}  // namespace gatehouse::certs
