// Handshakes that wait for a certificate: all that ask for one name share one look-up or order,
// and its outcome, good or bad.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/abuse_counters.h"
#include "base/gate.h"
#include "certs/host_rules.h"
#include "certs/issuers.h"
#include "certs/orders.h"
#include "certs/permission.h"

namespace gatehouse::certs {

// At most `per_minute` things a minute, as many at once after a quiet minute. 0: no limit.
class TokenBucket {
 public:
  explicit TokenBucket(std::uint64_t per_minute)
      : per_minute_(per_minute), tokens_(static_cast<double>(per_minute)) {}
  bool take(base::TimePoint now);

 private:
  std::uint64_t per_minute_;
  double tokens_;
  base::TimePoint filled_ = base::TimePoint::min();
};

// On control's loop.
class OnDemand {
 public:
  using Answer = std::function<void(base::Result<tls::CertificateRef>)>;

  static constexpr std::size_t kNames = 2048;  // names that are looked up or ordered at once

  // All outlive it.
  struct Parts {
    base::Loop& loop;
    base::Gate& tasks;
    const HostRules& rules;
    Issuers& issuers;
    Permission& permission;
    Orders& orders;
    Schedule& schedule;
    tls::CertificateStore& certificates;
    WallClock now;
    std::uint64_t new_names_per_minute;
    base::AbuseCounters* abuse = nullptr;  // may be null
  };

  explicit OnDemand(Parts parts);
  OnDemand(const OnDemand&) = delete;
  OnDemand& operator=(const OnDemand&) = delete;

  // For a client that can check signatures of `keys`: of two certificates it waits for the one that
  // it can check, and the other is ordered afterwards. Calls `answer` exactly once, now or later.
  // What it started ends even when nobody waits. A certificate past its dates is the answer only
  // when no new one can be had: better than none. Errors: kDenied (no such site, policy, ask),
  // kOverload (a bound, or backoff), the order's.
  void request(std::string name, Answer answer, tls::KeyKinds keys = tls::kAllKeys);
  // Answers everybody who waits with kCancelled, and later questions too.
  void stop();

  std::size_t names() const { return waiting_.size(); }

 private:
  using Outcome = base::Result<tls::CertificateRef>;

  base::Task<void> fly(std::string label);
  base::Task<Outcome> resolve(std::string label);
  base::Task<Outcome> resolve_on_demand(std::string label, std::vector<Issuer*> issuers);
  void put_down_other(std::string_view label);

  Parts parts_;
  TokenBucket new_names_;
  std::unordered_map<std::string, std::vector<Answer>> waiting_;  // by label
  bool stopped_ = false;
};

}  // namespace gatehouse::certs
