// How many orders a CA lets one account place: its published limit, kept by us, so that no order is
// sent only to be refused.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "acme/failure.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "certs/slots.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// So many at once, and then one more each time that `each` has passed.
struct Allowance {
  unsigned at_once;
  std::chrono::seconds each;
};

// What a CA publishes. Let's Encrypt: letsencrypt.org/docs/rate-limits.
struct CaLimits {
  std::string_view issuer;  // Issuer::id()
  Allowance orders;         // new ones of one account
  Allowance same_names;     // certificates of one set of names
  Allowance domain;         // certificates of one registered domain, but for renewals
};

// Those of the issuer; null when none are known: it says itself when it has enough.
const CaLimits* limits_of(std::string_view issuer);

// A bucket of orders, or of certificates. One loop.
class Pace {
 public:
  // Of a hundred so many are left to visitors and to what expires, half of them to renewals in good
  // time as well; and so many are not used: other processes that share the account may count a
  // little late.
  static constexpr unsigned kForUrgent = 20;
  static constexpr unsigned kSpare = 4;

  explicit Pace(const Allowance& allowance);

  // Nothing when an order may be placed now: it is counted then. Else the moment to come again;
  // another one for each who asks, but for what expires, which is not put in line.
  std::optional<base::WallTime> take(base::WallTime now, Urgency urgency);
  // One that was taken has not been used.
  void give_back(base::WallTime now);
  // Whether nothing has been taken that has not come back since.
  bool full() const { return tokens_ >= most(); }

  // As storage keeps it.
  std::string text() const;
  // What another process, or an earlier life, has left: the emptier of the two counts. Error:
  // kDamaged.
  base::Result<void> learn(std::string_view text, base::WallTime now);

 private:
  double most() const;
  double left_to_others(Urgency urgency) const;
  void fill(base::WallTime now);
  std::chrono::seconds until(double tokens) const;

  Allowance allowance_;
  double tokens_;
  base::WallTime filled_{};
  base::WallTime line_{};  // when the last one who was sent away comes again
};

// Counts an order of the issuer, in storage too, so that a restart does not begin anew, and other
// processes are counted with; storage that fails leaves the count of this one. Failure: kOverload,
// side kLocal, with the wait in retry_after.
base::Task<acme::Outcome<>> keep_pace(Pace& pace, storage::Storage& storage, std::string issuer,
                                      Urgency urgency);

}  // namespace gatehouse::certs
