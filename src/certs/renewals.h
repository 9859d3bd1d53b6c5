// Does what the schedule says is due: the first order for names of sites that have no certificate
// yet, and renewals, while the old certificate goes on being served.
#pragma once

#include <chrono>
#include <string>

#include "base/gate.h"
#include "certs/host_rules.h"
#include "certs/issuers.h"
#include "certs/orders.h"
#include "certs/permission.h"
#include "certs/schedule.h"
#include "certs/slots.h"
#include "tls/certificate_store.h"

namespace gatehouse::certs {

// On control's loop.
class Renewals {
 public:
  static constexpr std::size_t kAtOnce = 8;  // so that handshakes find free orders
  // A name on demand that is not allowed any more is asked about again after this.
  static constexpr std::chrono::seconds kAskAgain = std::chrono::hours(1);
  // A name on demand without a valid certificate is given up after so many failures in a row: two
  // weeks. The next handshake for it starts anew.
  static constexpr unsigned kGiveUp = 17;

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
  };

  explicit Renewals(Parts parts) : parts_(std::move(parts)), turns_(parts_.loop, kAtOnce, 1) {}
  Renewals(const Renewals&) = delete;
  Renewals& operator=(const Renewals&) = delete;

  // Works off the schedule until it is closed.
  base::Task<void> run();
  // Does now what is scheduled for the label, beside the others. Errors: kDenied when no site wants
  // it any more, or its name is not allowed; those of Orders::obtain.
  base::Task<base::Result<void>> renew_now(std::string label);

 private:
  base::Task<void> renew(std::string name);
  base::Task<base::Result<void>> renew_in_turn(const std::string& label);
  base::Task<bool> still_allowed(const std::string& label);
  void after_failure(const std::string& label, Source source, const base::Error& error);

  Parts parts_;
  Slots turns_;
};

}  // namespace gatehouse::certs
