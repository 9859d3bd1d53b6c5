// Who signs certificates: an ACME CA, or the internal CA. On control's loop.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "tls/certificate.h"

namespace gatehouse::certs {

// Why issuing failed, and what that means for the next try.
struct IssueError {
  base::Error error;
  // Not before this moment, when the CA said so (Retry-After); never by default.
  base::Deadline not_before = base::Deadline(base::TimePoint::min());
  // Another try with the same input cannot succeed soon (rejectedIdentifier, caa, …).
  bool lasting = false;

  IssueError() = default;
  explicit IssueError(base::Error e) : error(std::move(e)) {}
};

class Issuer {
 public:
  virtual ~Issuer() = default;

  // Stable identity in storage: "internal", or host and path of a CA's directory as one segment of
  // [a-z0-9.-].
  virtual const std::string& id() const = 0;

  // A certificate for `names` with `key`, checked with tls::check_issued before it is returned.
  // May take minutes; ends by `deadline`. Several may run at once.
  virtual base::Task<std::expected<tls::CertificateRef, IssueError>> issue(
      std::vector<std::string> names, tls::PrivateKey key, base::Deadline deadline) = 0;

  // Removes what earlier lives of the process have left with others. At start, once.
  virtual base::Task<void> remove_leftovers() { co_return; }
};

}  // namespace gatehouse::certs
