// From a head's raw fields to a checked message: where its body ends (RFC 9112 6), whom it is for
// (RFC 9112 3.2, 7.2), whether the connection goes on (RFC 9112 9.3). Two readings of one message
// are how requests are smuggled, so what is not plainly one thing is refused.
#pragma once

#include <cstdint>

#include "http/http1_head.h"
#include "http/message.h"

namespace gatehouse::http {

// Whether the connection may carry another message after this one.
enum class Persistence : std::uint8_t { kClose, kKeepAlive };

// A request's head into `out`, whose memory is reused. `out` holds what had been read when it is
// refused.
Refusal read_request(const RawHead& raw, RequestHead& out, Persistence& persistence);

// What an upstream was asked, as far as its answer's framing depends on it.
struct AskedFor {
  bool head = false;         // the method was HEAD
  std::string_view upgrade;  // RequestHead::upgrade
};

// A response's head into `out`. 1xx is read too; 101 only when it opens the tunnel that was asked
// for (RFC 9110 15.2.2).
Refusal read_response(const RawHead& raw, AskedFor asked, ResponseHead& out,
                      Persistence& persistence);

}  // namespace gatehouse::http
