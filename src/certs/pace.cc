#include "certs/pace.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "certs/document.h"
#include "certs/moment.h"

namespace gatehouse::certs {

namespace {

using std::chrono::seconds;

// 300 orders in 3 hours; in 7 days 5 certificates for one set of names, and 50 for one domain; the
// staging environment has its own.
constexpr seconds kWeek = std::chrono::days(7);
constexpr std::array kLimits{
    CaLimits{"acme-v02.api.letsencrypt.org-directory",
             {300, seconds(36)},
             {5, kWeek / 5},
             {50, kWeek / 50}},
    CaLimits{"acme-staging-v02.api.letsencrypt.org-directory",
             {1500, seconds(8)},
             {30'000, seconds(21)},
             {30'000, seconds(21)}},
};

double share(unsigned whole, unsigned percent) { return whole * percent / 100.0; }

}  // namespace

const CaLimits* limits_of(std::string_view issuer) {
  const auto found = std::ranges::find(kLimits, issuer, &CaLimits::issuer);
  return found == kLimits.end() ? nullptr : &*found;
}

Pace::Pace(const Allowance& allowance) : allowance_(allowance), tokens_(most()) {}

double Pace::most() const { return allowance_.at_once - share(allowance_.at_once, kSpare); }

void Pace::fill(base::WallTime now) {
  // A clock that was set back fills nothing.
  if (filled_ != base::WallTime() && now > filled_) {
    const double passed = static_cast<double>((now - filled_).count());
    tokens_ = std::min(most(), tokens_ + passed / static_cast<double>(allowance_.each.count()));
  }
  filled_ = now;
}

seconds Pace::until(double tokens) const {
  const double missing = std::max(0.0, tokens - tokens_);
  return seconds(
      static_cast<std::int64_t>(std::ceil(missing * static_cast<double>(allowance_.each.count()))));
}

double Pace::left_to_others(Urgency urgency) const {
  switch (urgency) {
    case Urgency::kHandshake:
    case Urgency::kExpiring: return 0;
    case Urgency::kDue: return share(allowance_.at_once, kForUrgent) / 2;
    case Urgency::kBackground: break;
  }
  return share(allowance_.at_once, kForUrgent);
}

std::optional<base::WallTime> Pace::take(base::WallTime now, Urgency urgency) {
  fill(now);
  const double left = left_to_others(urgency);
  if (tokens_ >= left + 1) {
    tokens_ -= 1;
    return std::nullopt;
  }
  const base::WallTime soonest = now + until(left + 1);
  if (urgency == Urgency::kExpiring) return soonest;
  line_ = std::max(soonest, std::min(line_, soonest + std::chrono::days(1)) + allowance_.each);
  return line_;
}

void Pace::give_back(base::WallTime now) {
  fill(now);
  tokens_ = std::min(most(), tokens_ + 1);
}

std::string Pace::text() const {
  Json object = new_document();
  object["left"] = tokens_;
  object["line"] = seconds_of(line_);
  object["at"] = seconds_of(filled_);
  return text_of(object);
}

base::Result<void> Pace::learn(std::string_view text, base::WallTime now) {
  auto object = parse_document(text);
  if (!object) return base::fail(std::move(object.error()));
  auto at = time_in(*object, "at");
  if (!at) return base::fail(std::move(at.error()));
  const auto left = object->find("left");
  if (left == object->end() || !left->is_number()) return damaged("it has no number 'left'");
  Pace other(allowance_);
  other.tokens_ = std::clamp(left->get<double>(), 0.0, other.tokens_);
  other.filled_ = *at;
  other.fill(now);
  fill(now);
  tokens_ = std::min(tokens_, other.tokens_);
  if (const auto line = time_in(*object, "line")) line_ = std::max(line_, *line);
  return {};
}

base::Task<acme::Outcome<>> keep_pace(Pace& pace, storage::Storage& storage, std::string issuer,
                                      Urgency urgency) {
  const std::string key = "paces/" + issuer;
  const auto known = co_await storage.load(key);
  const base::WallTime now = base::wall_now();
  if (known) (void)pace.learn(*known, now);
  if (const auto later = pace.take(now, urgency)) {
    acme::Failure failure(base::Error(
        base::Code::kOverload, base::Side::kLocal, base::Retry::kYes,
        "the CA " + issuer + " limits new orders; the next one waits until " + text_of(*later)));
    failure.retry_after = *later - now;
    co_return acme::failed(std::move(failure));
  }
  (void)co_await storage.store(key, pace.text());
  co_return acme::Outcome<>();
}

}  // namespace gatehouse::certs
