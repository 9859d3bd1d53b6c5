// Asks issuers when they want the certificates renewed that they gave (ARI, RFC 9773), and moves
// the schedule to what they say. An issuer that says nothing, or errs, changes nothing: the
// certificate's life decides then.
#pragma once

#include <functional>
#include <string>
#include <unordered_map>

#include "base/gate.h"
#include "certs/breaker.h"
#include "certs/host_rules.h"
#include "certs/inventory.h"
#include "certs/issuers.h"
#include "certs/renewal_plan.h"
#include "certs/schedule.h"
#include "certs/slots.h"
#include "certs/timed_cache.h"

namespace gatehouse::certs {

// On control's loop.
class RenewalPolls {
 public:
  static constexpr std::size_t kAtOnce = 8;
  static constexpr base::Duration kQuestionTime{20'000};  // nobody waits for the answer, but stop()
  // Who did not ask last looks so much later whether somebody has.
  static constexpr std::chrono::seconds kAfterOthers = std::chrono::minutes(1);
  static constexpr std::size_t kFailing = 10'000;  // names whose failures are counted
  // The waits after failures are those of retry_delay(), up to this.
  static constexpr std::chrono::seconds kLongestPause = std::chrono::hours(6);

  // Who waits for an issuer that errs with every question comes back spread over so long.
  static constexpr std::chrono::seconds kSpread = std::chrono::hours(1);

  // All outlive it.
  struct Parts {
    base::Loop& loop;
    base::Gate& tasks;
    const HostRules& rules;
    Issuers& issuers;
    Inventory& inventory;
    Schedule& renewals;
    WallClock now;
    RenewalPolicy policy;
    // Serves what storage holds under a label, where that is another than what is served.
    std::function<base::Task<void>(std::string label)> look;
  };

  explicit RenewalPolls(Parts parts);
  RenewalPolls(const RenewalPolls&) = delete;
  RenewalPolls& operator=(const RenewalPolls&) = delete;

  // Asks about this certificate from now on, until another of its name is watched. Does nothing
  // where the policy asks no issuers.
  void watch(const Record& record);

  // Works until it is stopped.
  base::Task<void> run();
  void stop() { polls_.close(); }
  void recheck() { polls_.recheck(); }

 private:
  base::Task<void> poll(std::string label);
  base::Task<void> poll_in_turn(const std::string& label);
  base::Task<std::optional<Record>> newest(const std::string& label,
                                           const std::vector<Issuer*>& issuers);
  base::Task<void> ask(Issuer& issuer, Record& record);
  void failed(const Record& record, const acme::Failure& failure);
  bool left_alone(const Record& record);
  Breaker& breaker_of(const Record& record);

  Parts parts_;
  Schedule polls_;
  Slots turns_;
  TimedCache<unsigned> failing_;
  // By issuer id. Not those of orders: who errs here may sign all the same.
  std::unordered_map<std::string, Breaker> breakers_;
};

}  // namespace gatehouse::certs
