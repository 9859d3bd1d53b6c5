// An issuer's account with its CA, kept in storage so that every start and every process that
// shares the storage uses the same one (RFC 8555 7.3).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "acme/account.h"
#include "acme/client.h"
#include "base/blocking_pool.h"
#include "certs/slots.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// Where storage keeps an account: "accounts/<issuer>/<e-mail or default>", the e-mail's odd
// characters as _40 for "@". `issuer` is Issuer::id().
std::string account_key(const std::string& issuer, std::string_view email);
// The record. Holds the account's key: a secret.
std::string account_text(const acme::Account& account, const std::string& email);
// Error: kDamaged, saying what is wrong.
base::Result<acme::Account> parse_account(std::string_view text);

// On control's loop.
class AcmeAccount {
 public:
  static constexpr std::size_t kWaiting = 4096;  // orders that wait for the first registration

  // What it works with; all outlive it. `issuer` is Issuer::id().
  struct Parts {
    base::Loop& loop;
    base::BlockingPool& blocking;
    storage::Storage& storage;
    acme::Client& client;
    std::string issuer;
    acme::Registration registration;
  };

  explicit AcmeAccount(Parts parts);

  // The account: from memory, from storage, or newly registered. The key is stored before the CA
  // hears of it, so that a crash cannot lose an account. Registered once, however many ask, in
  // however many processes. Failures: storage's (an account that cannot be kept is not made),
  // kTimeout, those of acme::register_account.
  base::Task<acme::Outcome<acme::Account>> get(base::Deadline deadline);

  // The CA does not know `url` any more: the next get() registers the same key again.
  void forget(const std::string& url);

  // That of account_key().
  const std::string& storage_key() const { return storage_key_; }

 private:
  using Stored = base::Result<std::optional<acme::Account>>;

  base::Task<acme::Outcome<acme::Account>> load_or_register(base::Deadline deadline);
  base::Task<acme::Outcome<acme::Account>> register_leased(base::Deadline deadline);
  base::Task<acme::Outcome<acme::Account>> make_key();
  base::Task<Stored> load();
  base::Task<void> set_aside(base::Error why);
  base::Task<base::Result<void>> save(const acme::Account& account);
  bool usable(const std::optional<acme::Account>& stored) const;

  Parts parts_;
  std::string storage_key_;
  Slots turn_;  // one at a time loads or registers
  std::optional<acme::Account> account_;
  std::string lost_url_;  // the CA does not know it
};

}  // namespace gatehouse::certs
