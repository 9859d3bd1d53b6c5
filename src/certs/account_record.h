// What storage holds of an account at a CA, and under which key.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "acme/account.h"
#include "base/clock.h"
#include "base/error.h"
#include "tls/key.h"

namespace gatehouse::certs {

struct AccountRecord {
  acme::Account account;         // without a URL before it is registered
  std::string contact;           // e-mail that the CA has, or is to have; empty: none
  bool contact_pending = false;  // the CA may not have been told of it
  base::WallTime key_since{};    // when `account.key` became its key; the epoch: not known
  // A roll-over under way: whether this is the key, or the old one still, only the CA knows.
  std::optional<tls::PrivateKey> next_key;
  bool leaving = false;  // deactivation is under way: only the CA knows how it ended
};

// JSON of one object with a `version`. Holds private keys: a secret.
std::string to_text(const AccountRecord& record);
// Error: kDamaged, saying what is wrong.
base::Result<AccountRecord> parse_account_record(std::string_view text);

// "accounts/<issuer>", below which the accounts at one CA lie.
std::string accounts_prefix(std::string_view issuer);
// "accounts/<issuer>/<e-mail or default>", the e-mail's odd characters as _40 for "@": where an
// account lies that was made with this e-mail.
std::string account_key(std::string_view issuer, std::string_view email);

}  // namespace gatehouse::certs
