// Sees whether certificates that were ordered near their end without having been renewed. A timer
// for each, no scans.
#pragma once

#include <optional>
#include <string>

#include "certs/certificate_event.h"
#include "certs/hooks.h"
#include "certs/host_rules.h"
#include "certs/inventory.h"
#include "certs/issuers.h"
#include "certs/permission.h"
#include "certs/schedule.h"
#include "certs/told_once.h"
#include "tls/certificate_store.h"

namespace gatehouse::certs {

// On control's loop.
class ExpiryWatch {
 public:
  // Who finds nothing to tell yet looks no sooner again.
  static constexpr std::chrono::seconds kLookAgain = std::chrono::minutes(1);

  // All outlive it.
  struct Parts {
    base::Loop& loop;
    const HostRules& rules;
    Issuers& issuers;
    Permission& permission;
    Inventory& inventory;
    const tls::CertificateStore& certificates;
    const Schedule& renewals;
    ToldOnce& told;
    Hooks& hooks;
    WallClock now;
  };

  explicit ExpiryWatch(Parts parts)
      : parts_(std::move(parts)),
        wanted_(parts_.hooks.wants(config::HookEvent::kExpiring)),
        looks_(parts_.loop, parts_.now) {}
  ExpiryWatch(const ExpiryWatch&) = delete;
  ExpiryWatch& operator=(const ExpiryWatch&) = delete;

  // Watches this certificate, until another of its name is watched. Nothing where no hook is to be
  // told.
  void watch(const Record& record);

  // Works until it is stopped.
  base::Task<void> run();
  void recheck() { looks_.recheck(); }
  void stop() { looks_.close(); }

 private:
  // What there is of a name.
  struct Found {
    tls::CertificateRef certificate;  // that ends last; null: none
    std::string issuer;
  };

  base::Task<void> look(std::string label);
  base::Task<Found> find(std::string label, const SitePolicy& policy);
  base::Task<bool> is_wanted(std::string name, Source source);
  base::Task<std::optional<base::WallTime>> not_due_yet(std::string label, base::WallTime end);

  Parts parts_;
  bool wanted_;
  Schedule looks_;
};

// A tenth of its life before its end.
base::WallTime last_tenth(const tls::LeafFacts& leaf);

}  // namespace gatehouse::certs
