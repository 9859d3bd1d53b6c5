// What is changed in an account that there is: its contact, its key, its end (RFC
// 8555 7.3.2, 7.3.5, 7.3.6). Storage knows of each step before the CA does, so that after a kill at
// any point what the CA made of it is found by asking.
#pragma once

#include "acme/client.h"
#include "base/blocking_pool.h"
#include "certs/account_storage.h"

namespace gatehouse::certs {

// Whoever calls holds the accounts' lease. On control's loop; all outlive it.
class AccountUpkeep {
 public:
  AccountUpkeep(acme::Client& client, base::BlockingPool& blocking, AccountStorage& storage)
      : client_(client), blocking_(blocking), storage_(storage) {}

  // Ends what an earlier life has begun: finds out which key the CA knows, or deactivates the
  // account and removes its record. Failures: as the CA's and storage's; then nothing is known.
  base::Task<acme::Outcome<>> settle(StoredAccount& stored);

  // Tells the CA of the contact. One that it does not take is told once all the same.
  base::Task<acme::Outcome<>> tell_contact(StoredAccount& stored, std::string email,
                                           base::Deadline deadline);
  // Gives the account a new key. On failure it has the old one, or, where the CA did not answer,
  // one of both.
  base::Task<acme::Outcome<>> change_key(StoredAccount& stored, base::Deadline deadline);
  // Ends the account and removes its record.
  base::Task<acme::Outcome<>> deactivate(StoredAccount& stored, base::Deadline deadline);

  static constexpr base::Duration kQuestionTime{60'000};  // of settle()

 private:
  base::Task<acme::Outcome<>> end(StoredAccount& stored, base::Deadline deadline);
  base::Task<acme::Outcome<>> find_key(StoredAccount& stored, base::Deadline deadline);
  base::Task<acme::Outcome<>> save(const StoredAccount& stored);

  acme::Client& client_;
  base::BlockingPool& blocking_;
  AccountStorage& storage_;
};

}  // namespace gatehouse::certs
