// What a person tells a gatehouse to do about its certificates.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/event.h"
#include "base/gate.h"
#include "certs/change_watch.h"
#include "certs/overview.h"
#include "certs/renewals.h"
#include "certs/status.h"

namespace gatehouse::certs {

// On control's loop.
class Instructions {
 public:
  static constexpr std::size_t kMostNames = 10'000;       // of one instruction
  static constexpr std::size_t kAtOnce = 8;               // renewals that somebody waits for
  static constexpr base::Duration kLongestWait{600'000};  // for them

  // All outlive it.
  struct Parts {
    base::Loop& loop;
    base::Gate& tasks;
    const HostRules& rules;
    Issuers& issuers;
    Inventory& inventory;
    Orders& orders;
    Renewals& renewals;
    Schedule& schedule;
    tls::CertificateStore& certificates;
    Overview& overview;
    WallClock now;
    ChangeWatch& changes;
  };

  explicit Instructions(Parts parts) : parts_(std::move(parts)) {}
  Instructions(const Instructions&) = delete;
  Instructions& operator=(const Instructions&) = delete;

  // Storage's records of these names were changed by somebody else: serves the newest valid one
  // that was not revoked, or withdraws what is served and orders anew where that is wanted. What
  // cannot be read changes nothing. Error: kTooLarge over kMostNames.
  base::Task<NameOutcomes> changed(std::vector<std::string> names);
  // Another may have changed what storage holds under a label: what was signed last is served where
  // what is served was signed before it or was revoked, and renewed where a person demands that.
  // What is on demand and not served is left alone.
  base::Task<void> look(std::string label);
  // Certificates of these names are due now, whatever was to be waited for after failures, except
  // for what an issuer asked; kept in storage until done. With `wait`, returns when all are renewed
  // or have failed, after kLongestWait at the latest. Errors, and nothing is put down then:
  // kNotFound naming the nearest name, kDenied for a name whose certificate is not ours to renew,
  // kTooLarge, kCancelled when stopping.
  base::Task<NameOutcomes> renew(std::vector<std::string> names, bool wait);
  // The same for every name that a site wants and that has a certificate, or failed to get one.
  base::Task<NameOutcomes> renew_all(bool wait);

 private:
  struct Batch;
  struct Held;

  base::Task<base::Result<Held>> held_of(const OrderRequest& order, bool told);
  base::Task<base::Result<void>> add_records(const OrderRequest& order, std::string issuer,
                                             Held& held);
  bool is_news(const Held& held, const OrderRequest& order, bool managed) const;
  base::Task<NameOutcome> changed_one(std::string label, bool told);
  void serve_newest(const Held& held, const OrderRequest& order);
  NameOutcome withdraw(const Held& held, const OrderRequest& order, bool managed);
  base::Task<base::Result<void>> demand(const std::string& label);
  base::Task<NameOutcomes> put_down(std::vector<std::string> names, bool wait);
  base::Task<void> work_off(std::shared_ptr<Batch> batch);

  Parts parts_;
};

}  // namespace gatehouse::certs
