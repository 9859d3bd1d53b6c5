// Moments in certificates and in what is said of them.
#pragma once

#include <openssl/bytestring.h>

#include "base/clock.h"

namespace gatehouse::tls {

// Takes a UTCTime or GeneralizedTime as RFC 5280 4.1.2.5 wants them, always with seconds and "Z".
// False for anything else; `from` may have been read on then.
bool read_time(CBS* from, base::WallTime* out);

}  // namespace gatehouse::tls
