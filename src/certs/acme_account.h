// An issuer's account with its CA, kept in storage so that every start and every process that
// shares the storage uses the same one (RFC 8555 7.3).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/account.h"
#include "acme/client.h"
#include "base/blocking_pool.h"
#include "certs/account_storage.h"
#include "certs/account_upkeep.h"
#include "certs/slots.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// On control's loop.
class AcmeAccount {
 public:
  static constexpr std::size_t kWaiting = 4096;  // orders that wait for the first registration
  // A CA that has forgotten an account so soon after it was registered again gets no third one.
  static constexpr base::Duration kRegisterAgain{60'000};
  // After a contact or a new key that the CA did not take.
  static constexpr std::chrono::seconds kUpkeepAgain = std::chrono::hours(1);

  // What it works with; all outlive it. `issuer` is Issuer::id().
  struct Parts {
    base::Loop& loop;
    base::BlockingPool& blocking;
    storage::Storage& storage;
    acme::Client& client;
    std::string issuer;
    acme::Registration registration;
    std::vector<std::string> other_emails;  // as AccountStorage takes them
    base::Duration key_age{0};              // the key is changed when it is older; 0: never
  };

  explicit AcmeAccount(Parts parts);

  // The account: from memory, from storage, or newly registered. The key is stored before the CA
  // hears of it, so that a crash cannot lose an account. Registered once, however many ask, in
  // however many processes. A contact that has changed is told to the CA, and a key that is too old
  // changed; what the CA does not take of that is tried again later. Failures: storage's (an
  // account that cannot be kept is not made), kTimeout, those of acme::register_account.
  base::Task<acme::Outcome<acme::Account>> get(base::Deadline deadline);

  // The account in storage, or nothing: none is made. Failures: storage's, kTimeout, and the CA's
  // where only it knows what has become of a change.
  base::Task<acme::Outcome<std::optional<acme::Account>>> find(base::Deadline deadline);

  // What storage has, unasked whether it holds. Failures: storage's.
  base::Task<acme::Outcome<StoredAccount>> look(base::Deadline deadline);

  // After `failure` of a request by `used`, which get() gave at `since`: whether get() gives
  // another account now, so that the request may be repeated. It does when storage has another one
  // (a roll-over or a deactivation, from elsewhere), and when the CA has forgotten the account:
  // then the same key is registered again, once.
  base::Task<bool> outdated(acme::Account used, base::TimePoint since,
                            const acme::Failure& failure);

  // A new key for the account. Failures: kNotFound where there is none; as AccountUpkeep.
  base::Task<acme::Outcome<acme::Account>> change_key(base::Deadline deadline);
  // Ends the account; the next get() makes a new one. Returns its URL. Failures: as change_key().
  base::Task<acme::Outcome<std::string>> deactivate(base::Deadline deadline);

 private:
  using Got = acme::Outcome<acme::Account>;

  base::Task<Got> load_or_register(base::Deadline deadline);
  base::Task<Got> get_leased(base::Deadline deadline);
  base::Task<Got> register_new(StoredAccount stored, base::Deadline deadline);
  base::Task<acme::Outcome<>> make_key(StoredAccount& stored);
  base::Task<void> keep_up(StoredAccount& stored, base::Deadline deadline);
  base::Task<acme::Outcome<StoredAccount>> settled();
  bool usable(const StoredAccount& stored) const;
  bool wants_contact(const AccountRecord& record) const;
  bool wants_key(const AccountRecord& record) const;
  void know(const StoredAccount& stored);

  Parts parts_;
  AccountStorage accounts_;
  AccountUpkeep upkeep_;
  Slots turn_;  // one at a time loads, registers or changes
  std::optional<acme::Account> account_;
  std::string key_;              // where it lies in storage
  base::WallTime look_again_{};  // when its key is too old, or a change is tried again
  std::string lost_url_;         // the CA does not know it
  base::TimePoint registered_again_ = base::TimePoint::min();
  base::WallTime upkeep_again_{};
};

}  // namespace gatehouse::certs
