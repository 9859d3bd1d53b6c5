// When to try again what failed.
#pragma once

#include <chrono>
#include <map>
#include <string>

#include "base/clock.h"

namespace gatehouse::certs {

// What is remembered of a name whose orders fail; kept in storage, so that a restart does not
// bring the next try forward.
struct Failures {
  unsigned count = 0;
  base::WallTime next_attempt{};
  std::string last_error;
  bool of_challenge = false;  // a challenge was among them
  // The issuers' ids, joined: other issuers than those that failed are tried at once.
  std::string issuers;
  // When an issuer said that it wants to be left alone until then (Retry-After).
  std::map<std::string, base::WallTime> not_before;

  // Names of a certificate for several that it goes without, each with its own wait.
  struct LeftOut {
    unsigned count = 0;
    base::WallTime next_attempt{};
    std::string error;
  };
  std::map<std::string, LeftOut> left_out;

  bool none() const { return count == 0 && left_out.empty(); }
};

// The wait after the `failures`th failure in a row: 1, 10, 100 minutes, then a day each, spread by
// up to a tenth to either side. `random` lies in [0, 1).
std::chrono::seconds retry_delay(unsigned failures, double random);

// By chance in [0, 1): to spread, not to be secret.
double random_fraction();

}  // namespace gatehouse::certs
