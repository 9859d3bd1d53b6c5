// When to try again what failed, and when to renew what works.
#pragma once

#include <chrono>
#include <map>
#include <string>
#include <string_view>

#include "base/clock.h"

namespace gatehouse::certs {

// What is remembered of a name whose orders fail; kept in storage, so that a restart does not
// bring the next try forward.
struct Failures {
  unsigned count = 0;
  base::WallTime next_attempt{};
  std::string last_error;
  // The issuers' ids, joined: other issuers than those that failed are tried at once.
  std::string issuers;
  // When an issuer said that it wants to be left alone until then (Retry-After).
  std::map<std::string, base::WallTime> not_before;
};

// The wait after the `failures`th failure in a row: 1, 10, 100 minutes, then a day each, spread by
// up to a tenth to either side. `random` lies in [0, 1).
std::chrono::seconds retry_delay(unsigned failures, double random);

// When a certificate for `name` is due for renewal: with a third of its life left, spread by up to
// 2 % of the life to either side (always the same way for one name). Life is counted from
// `obtained` where that is later than `not_before`: CAs date back, and a short-lived certificate
// dated back by an hour must not be due at once. Never earlier than kSettle after `obtained`.
base::WallTime renewal_due(std::string_view name, base::WallTime not_before,
                           base::WallTime not_after, base::WallTime obtained);

inline constexpr std::chrono::seconds kSettle{2};

}  // namespace gatehouse::certs
