// The OCSP response that a server shows beside its certificate (RFC 6066 8, RFC 8446 4.4.2.1).
#pragma once

#include <openssl/base.h>

#include <memory>
#include <mutex>
#include <string>

#include "base/clock.h"

namespace gatehouse::tls {

// The place for one certificate's: empty, or holding a response that was checked. Any thread; a
// lock is held for the exchange of one pointer.
class Staple {
 public:
  // Serves `response` (DER of an OCSPResponse) from now on and before `until`.
  void put(std::string response, base::WallTime until);
  void clear();
  // Gives it to a server's handshake, unless there is none or it has run out at `now`. Any failure
  // leaves the handshake without one, as it may be.
  void install(SSL* ssl, base::WallTime now) const;
  // When it runs out; the beginning of time when there is none.
  base::WallTime until() const;

 private:
  struct Response {
    std::string der;
    base::WallTime until;
  };
  std::shared_ptr<const Response> held() const;

  mutable std::mutex mutex_;  // guards `response_`
  std::shared_ptr<const Response> response_;
};

}  // namespace gatehouse::tls
