// Who signs certificates: an ACME CA, or the internal CA. On control's loop.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "acme/renewal_info.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "certs/slots.h"
#include "tls/certificate.h"

namespace gatehouse::certs {

// What is wrong with one name of several.
struct NameError {
  std::string name;
  std::string reason;
  bool lasting = false;  // as in IssueError

  NameError(std::string n, std::string r, bool l)
      : name(std::move(n)), reason(std::move(r)), lasting(l) {}
};

// Why issuing failed, and what that means for the next try.
struct IssueError {
  base::Error error;
  // Not before this moment, when the CA said so (Retry-After); never by default.
  base::Deadline not_before = base::Deadline(base::TimePoint::min());
  // Another try with the same input cannot succeed soon (rejectedIdentifier, caa, …).
  bool lasting = false;
  // Another issuer may see it differently. Not so when what was seen from outside is wrong: others
  // that look would see the same.
  bool other_issuer = true;
  // The issuer's trouble concerns every name, not this one alone.
  bool whole_issuer = false;
  bool of_challenge = false;  // the CA looked at the name, and a challenge failed
  std::string advice;         // to a person; mostly empty
  std::string problem;        // the CA's token for it (RFC 8555 6.7), if it said one
  // The names that it failed for, where the issuer told: without them the others may succeed.
  std::vector<NameError> names;

  IssueError() = default;
  explicit IssueError(base::Error e) : error(std::move(e)) {}
};

// What is wanted of an issuer.
struct IssueRequest {
  std::vector<std::string> names;
  std::string label;  // what the certificate is called (certs/key_types.h)
  tls::PrivateKey key;
  base::Deadline deadline;
  // The same issuer's certificate that the new one takes the place of (RFC 9773 5); null: none.
  tls::CertificateRef replaces;
  Urgency urgency = Urgency::kHandshake;  // of who waits
  // It has signed for the same names before: a renewal, of which CAs allow more.
  bool again = false;
  // A challenge of the name has failed before: one type is tried, so that few validations fail an
  // hour.
  bool failed_before = false;

  IssueRequest(std::vector<std::string> n, tls::PrivateKey k, base::Deadline d)
      : names(std::move(n)), label(names.front()), key(std::move(k)), deadline(d) {}
};

// Where a certificate came from; empty for what is no ACME CA.
struct Origin {
  std::string ca;       // the directory's URL
  std::string account;  // the account's URL
};

class Issuer {
 public:
  virtual ~Issuer() = default;

  // Stable identity in storage: "internal", or host and path of a CA's directory as one segment of
  // [a-z0-9.-].
  virtual const std::string& id() const = 0;

  // Whether it looks at the names from outside before it signs.
  virtual bool validates() const = 0;

  // A certificate for the names with the key, checked with tls::check_issued before it is returned.
  // May take minutes; ends by the deadline. Several may run at once.
  virtual base::Task<std::expected<tls::CertificateRef, IssueError>> issue(
      IssueRequest request) = 0;

  // How long an order for so many names may take beyond what others take (Orders::kOrderTime).
  virtual base::Duration extra_time(std::size_t) const { return base::Duration(0); }

  // When a certificate of its own is to be renewed, if it has a say in that (RFC 9773). Failure:
  // kUnsupported when it has none, and as acme::read_renewal_info.
  virtual base::Task<acme::Outcome<acme::RenewalInfo>> renewal_info(tls::CertificateRef certificate,
                                                                    base::Deadline deadline) = 0;

  // Where the last certificate of issue() came from.
  virtual Origin origin() const { return {}; }

  // The certificate that issue() gave under this label is safe in storage: what was kept to take
  // its order up again after a crash goes.
  virtual base::Task<void> forget_order(std::string) { co_return; }

  // Removes what earlier lives of the process have left with others, at the first call, and what
  // this one could not remove since. At start, and then every now and then.
  virtual base::Task<void> remove_leftovers() { co_return; }
  // The folder in storage where notes of such things lie; empty: there is none.
  virtual std::string leftovers() const { return {}; }
};

}  // namespace gatehouse::certs
