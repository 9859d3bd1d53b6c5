// What may be asked of, and changed in, an account that there is (RFC 8555 7.3.1, 7.3.2, 7.3.6).
#pragma once

#include <optional>
#include <string>

#include "acme/account.h"

namespace gatehouse::acme {

// The URL of the account that has this key (onlyReturnExisting), or nothing: the CA has none.
// Nothing is made. Failures: those of Client::post; kDenied "unauthorized" for an account that was
// deactivated, from CAs that say so.
base::Task<Outcome<std::optional<std::string>>> find_account(Client& client, tls::PrivateKey key,
                                                             base::Deadline deadline);

// Whom the CA may write to from now on; empty: nobody. Failures: those of Client::post.
base::Task<Outcome<>> update_contact(Client& client, const Account& account, std::string email,
                                     base::Deadline deadline);

// The account as the CA shows it.
struct AccountState {
  std::string status;  // "valid", "deactivated", "revoked"
  std::vector<std::string> contact;
};
base::Task<Outcome<AccountState>> read_account(Client& client, const Account& account,
                                               base::Deadline deadline);

// Ends the account for good: its key is refused from then on. Well also when the CA says that it
// was deactivated before, or does not know it. Failures: those of Client::post.
base::Task<Outcome<>> deactivate_account(Client& client, const Account& account,
                                         base::Deadline deadline);

}  // namespace gatehouse::acme
