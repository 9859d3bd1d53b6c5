// What a proxy takes out of a head and puts into it (RFC 9110 7.6).
#pragma once

#include <string_view>

#include "http/message.h"

namespace gatehouse::proxy {

// Removes the fields that speak to the next hop only: those that Connection names, and the known
// ones (RFC 9110 7.6.1). "TE: trailers" alone stays in requests.
void remove_hop_fields(http::Fields& fields);

// Facts of the connection that a request came on.
struct Hop {
  std::string_view client_ip;
  std::string_view scheme;  // "http" or "https"
};

// The head to send to an upstream: hop fields gone; X-Forwarded-For, -Proto and -Host set by us
// alone, since nobody in front of us is trusted
// (their look-alikes with "_" and "." are gone too); Via added (RFC 9110 7.6.3).
http::RequestHead forwarded_request(const http::RequestHead& head, const Hop& hop);

// The same for a response.
void forward_response(http::ResponseHead& head);

}  // namespace gatehouse::proxy
