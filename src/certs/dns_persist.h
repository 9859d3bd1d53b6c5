// What the TXT record at _validation-persist.NAME says, by which a CA knows once and for all whose
// account may have certificates for a name (dns-persist-01, draft-ietf-acme-dns-persist-01).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gatehouse::certs {

// What a record has to say.
struct PersistentRecord {
  std::vector<std::string> issuers;  // domain names of the CA, any of which will do
  std::string account;               // its URL
  bool wildcard = false;             // "*.NAME" is wanted

  // As it would be written, one may: "ca.example; accounturi=…; policy=wildcard".
  std::string text() const;
  // Whether a record says that at the moment: of one of the issuers, for the account, with the
  // policy where it is needed, and not past its persistUntil. One that breaks the grammar of RFC
  // 8659 4.2 says nothing.
  bool met_by(std::string_view record, base::WallTime now) const;
};

inline constexpr std::string_view kPersistLabel = "_validation-persist";

}  // namespace gatehouse::certs
