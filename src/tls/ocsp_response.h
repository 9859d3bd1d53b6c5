// What an OCSP responder answered (RFC 6960 4.2), checked as strictly as the strictest client will.
// Reads bytes of strangers.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"
#include "tls/ocsp_request.h"

namespace gatehouse::tls {

inline constexpr std::size_t kMostOcspResponse = 64 * 1024;  // bytes; real ones have 300 to 4000

enum class OcspStatus : std::uint8_t { kGood, kRevoked, kUnknown };

struct OcspAnswer {
  OcspStatus status = OcspStatus::kUnknown;
  base::WallTime this_update{};
  base::WallTime until{};       // from then on it says nothing any more
  base::WallTime revoked_at{};  // when revoked
  std::string reason;           // of a revocation, RFC 5280 5.3.1; empty: none is given
};

// What the response says of the certificate that was asked about. It is signed by the CA, or by a
// responder to which the CA gave a certificate for that and which is valid; it is about this very
// certificate; and holds at `now`, where our clock may be behind by kClockSkew. Verifies
// signatures, so it belongs on a BlockingPool. Errors, side kCa: kTooLarge over kMostOcspResponse;
// kMalformed; kOverload and kDenied when the responder itself says that it cannot answer, now or
// ever; kDenied for whatever else does not hold, saying what.
base::Result<OcspAnswer> check_ocsp_response(std::string_view response,
                                             const OcspQuestion& question, base::WallTime now);

}  // namespace gatehouse::tls
