// Removes from storage what serves nobody any more: certificates, with their keys, that have
// expired long ago and that nothing will replace.
#pragma once

#include <string>

#include "base/event.h"
#include "certs/host_rules.h"
#include "certs/inventory.h"
#include "certs/issuers.h"
#include "certs/key_types.h"
#include "certs/schedule.h"

namespace gatehouse::certs {

// On control's loop.
class ExpiredRecords {
 public:
  static constexpr std::chrono::seconds kKeep = std::chrono::days(14);  // after their end
  static constexpr std::chrono::seconds kEach = std::chrono::days(1);   // from one look to the next
  static constexpr base::Duration kLeaseTime{100};  // longer than that somebody orders the name

  // All outlive it.
  struct Parts {
    base::Loop& loop;
    const HostRules& rules;
    const Issuers& issuers;
    Inventory& inventory;
    const KeyTypes& key_types;
    const Schedule& renewals;
    WallClock now;
  };

  explicit ExpiredRecords(Parts parts) : parts_(std::move(parts)), wake_(parts_.loop) {}
  ExpiredRecords(const ExpiredRecords&) = delete;
  ExpiredRecords& operator=(const ExpiredRecords&) = delete;

  // Looks through storage now and every kEach, until it is stopped. Removed is, with its plan and
  // the note of its import, what expired longer ago than kKeep, of names that no site has any more,
  // or that are ordered when somebody asks for them; not what says that it is not to be replaced.
  base::Task<void> run();
  void recheck() { wake_.set(); }
  void stop();

 private:
  base::Task<void> look_through();
  base::Task<void> look_through(std::string issuer);
  base::Task<void> look_at(std::string issuer, std::string label);
  bool is_wanted(const std::string& issuer, const std::string& label) const;
  bool is_over(const base::Result<Record>& record) const;

  Parts parts_;
  base::Event wake_;
  bool stopping_ = false;
};

}  // namespace gatehouse::certs
