// The accounts at one CA in storage, and which of them is ours.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/loop.h"
#include "certs/account_record.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// An account's place in storage, and what lies there.
struct StoredAccount {
  std::string key;
  std::optional<AccountRecord> record;
};

// On control's loop.
class AccountStorage {
 public:
  static constexpr std::size_t kAccounts = 64;  // at one CA, that are looked at

  // `storage` outlives it. `issuer` is Issuer::id(). `others`: the e-mails of the other accounts
  // that the configuration has at this CA.
  AccountStorage(storage::Storage& storage, std::string issuer, std::vector<std::string> others)
      : storage_(storage), issuer_(std::move(issuer)), others_(std::move(others)) {}

  // The account with this e-mail. Where there is none, the one with an e-mail that the
  // configuration does not name any more: who changes the e-mail keeps the account. Else nothing,
  // and where a new one is to lie. Errors: those of storage but kNotFound and kDamaged.
  base::Task<base::Result<StoredAccount>> find(std::string email);

  // Nothing when there is no record, or a damaged one, which is reported and set aside.
  base::Task<base::Result<std::optional<AccountRecord>>> load(std::string key);
  base::Task<base::Result<void>> save(std::string key, const AccountRecord& record);
  base::Task<base::Result<void>> remove(std::string key);
  // The right to change accounts at this CA.
  base::Task<base::Result<storage::Lease>> lease(base::Deadline deadline);

 private:
  bool claimed(const AccountRecord& record) const;
  base::Task<void> set_aside(std::string key, std::string why);

  storage::Storage& storage_;
  std::string issuer_;
  std::vector<std::string> others_;
};

}  // namespace gatehouse::certs
