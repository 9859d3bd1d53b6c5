// A new key for an account that stays (RFC 8555 7.3.5).
#pragma once

#include <string_view>

#include "acme/account.h"

namespace gatehouse::acme {

// Makes `fresh` the account's key. It must be stored before: when this fails, only the CA knows
// which of both it took, and find_account() tells. Failures: kUnsupported where the CA's directory
// has no keyChange; those of Client::post.
base::Task<Outcome<>> change_key(Client& client, const Account& account, tls::PrivateKey fresh,
                                 base::Deadline deadline);

// keyChange's payload: the account and its old key, signed by the new one. Error: as sign().
base::Result<std::string> key_change_payload(const Account& account, const tls::PrivateKey& fresh,
                                             std::string_view key_change_url);

}  // namespace gatehouse::acme
