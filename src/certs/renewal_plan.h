// When a certificate is to be renewed: by what its issuer says of it (RFC 9773), else by its life.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "acme/renewal_info.h"
#include "base/clock.h"
#include "base/error.h"

namespace gatehouse::certs {

// What the configuration says (tls.renewal).
struct RenewalPolicy {
  bool ask_issuers = true;  // ARI
  // How much of the life is left when renewal begins. By default a third, and half of a life of
  // less than kShortLife.
  std::optional<unsigned> left_percent;
  // What an issuer signed that is configured no more is due at once.
  bool replace_former = true;
  bool reuse_key = false;  // a renewal keeps the certificate's key
};

inline constexpr std::chrono::seconds kShortLife = std::chrono::days(10);
inline constexpr std::chrono::seconds kSettle{2};  // never renewed sooner after it was obtained

// What decides when one certificate is due.
struct RenewalDates {
  std::string_view name;
  base::WallTime not_before;
  base::WallTime not_after;
  base::WallTime obtained;  // by our clock
};

// The moment by the life alone, spread by up to 2 % of it to either side (always the same way for
// one name), and not past the emergency line. Life is counted from `obtained` where that is later
// than `not_before`: CAs date back, and a short-lived certificate dated back by an hour must not be
// due at once.
base::WallTime due_by_life(const RenewalDates& dates, const RenewalPolicy& policy);

// What an issuer said of one certificate, and what was made of it. Kept in storage, so that all
// processes hold to the same moment and ask no more often than the issuer wants.
struct RenewalPlan {
  std::string serial;      // of the certificate: a plan says nothing of any other
  base::WallTime start{};  // the issuer's window
  base::WallTime end{};
  base::WallTime chosen{};     // in that window, by chance
  base::WallTime ask_again{};  // the issuer is asked no sooner
  // Since when a person wants it renewed: then it is due, whatever else is said.
  std::optional<base::WallTime> demanded;
};

// The plan for the certificate with `serial` after the issuer said `info` at `now`. Of a window
// that `known` has already the moment stays chosen; `random` in [0, 1) chooses else. What a person
// demanded stays.
RenewalPlan plan_renewal(std::string serial, const acme::RenewalInfo& info,
                         const std::optional<RenewalPlan>& known, base::WallTime now,
                         double random);

// The moment by the plan. A window in the past means at once, though never within the first hour
// (fiftieth of the life, if that is less): an issuer that errs must not make us order without end.
// A window too near the certificate's end is not waited for: see kEmergency.
base::WallTime due_by_plan(const RenewalDates& dates, const RenewalPlan& plan);
// Before this moment there is nothing to ask the issuer.
base::WallTime first_question(const RenewalDates& dates);

// A tenth of the life before its end, from kEmergencyLeast to kEmergencyMost (and a quarter of a
// life of hours) it is renewed whatever the issuer says.
inline constexpr std::chrono::seconds kEmergencyLeast = std::chrono::hours(2);
inline constexpr std::chrono::seconds kEmergencyMost = std::chrono::hours(12);
base::WallTime emergency_line(const RenewalDates& dates);

std::string to_text(const RenewalPlan& plan);
// Error: kDamaged.
base::Result<RenewalPlan> parse_renewal_plan(std::string_view text);

}  // namespace gatehouse::certs
