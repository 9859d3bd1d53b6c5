// Who we are to a CA (RFC 8555 7.1.2, 7.3).
#pragma once

#include <optional>
#include <string>

#include "acme/failure.h"
#include "acme/jws.h"
#include "base/clock.h"
#include "base/loop.h"
#include "tls/key.h"

namespace gatehouse::acme {

class Client;

struct Account {
  tls::PrivateKey key;  // as algorithm_of() takes it
  std::string url;      // the account's name to the CA; empty before it is registered
};

// The key that a CA gave to its customer (RFC 8555 7.3.4).
struct ExternalAccount {
  std::string key_id;
  std::string hmac_key;  // base64, any alphabet, as the CA shows it
  MacAlgorithm algorithm = MacAlgorithm::kHs256;
};

// What a new account says of itself. Its terms of service are agreed to: to configure a CA is to
// want its certificates.
struct Registration {
  std::string email;  // may be empty
  std::optional<ExternalAccount> external;
};

// Registers `account.key`, or finds the account that it has already, and returns the account's
// URL. The key must be stored before: a lost key loses the account. A contact that the CA does
// not take is left out at a second try. Failures: kDenied when the CA wants an external account
// and there is none, or a person to agree to terms (with the URL to open); those of Client::post.
base::Task<Outcome<std::string>> register_account(Client& client, const Account& account,
                                                  Registration registration,
                                                  base::Deadline deadline);

// newAccount's payload. Error: kMalformed when the MAC key is no base64.
base::Result<std::string> account_payload(const tls::PrivateKey& key,
                                          const Registration& registration,
                                          std::string_view new_account_url);

}  // namespace gatehouse::acme
