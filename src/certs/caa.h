// Whether the CAA records of a name let a CA sign for it (RFC 8659), for our account and by the
// challenges that are answered here (RFC 8657).
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::certs {

// Who would sign, for whom.
struct CaaSubject {
  std::vector<std::string> identities;  // domain names of the CA: its directory's caaIdentities
  std::string account;                  // URL of our account there
  std::vector<std::string> methods;     // "http-01": what may be answered here
};

// `records`: one relevant set (RFC 8659 3), each "FLAGS TAG VALUE". `wildcard`: the certificate is
// to have a wildcard. Empty when they allow it, else why not, in words. A record that cannot be
// read allows nobody.
std::string caa_objection(const std::vector<std::string>& records, bool wildcard,
                          const CaaSubject& subject);

}  // namespace gatehouse::certs
