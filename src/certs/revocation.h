// What storage remembers of a certificate that is not to be trusted any more (RFC 5280 5.3.1). Such
// a one is never served again.
#pragma once

#include "acme/revocation.h"
#include "base/clock.h"

namespace gatehouse::certs {

struct Revocation {
  acme::RevocationReason reason = acme::RevocationReason::kUnspecified;
  base::WallTime at{};  // when it was wanted
  bool told = false;    // the CA has confirmed it
  bool replace = true;  // whether another one is to be ordered
};

}  // namespace gatehouse::certs
