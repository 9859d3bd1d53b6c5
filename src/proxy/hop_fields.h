// What a proxy takes out of a head and puts into it (RFC 9110 7.6).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "http/message.h"
#include "proxy/forwarding_fields.h"

namespace gatehouse::proxy {

// How many proxies an OPTIONS may still pass, ourselves among them (RFC 9110 7.6.2). Nothing for
// other methods, and where Max-Forwards is missing or no number.
std::optional<std::uint64_t> forwards_left(const http::RequestHead& head);

// What a head is made with on its way. All outlive the call.
struct Hop {
  const ClientFacts& peer;
  const RequestFacts& facts;
  const std::vector<std::string>& allowed;  // names with "_" or "." that pass
};

// The head to send to an upstream into `out`: the fields gone that speak to the next hop only,
// which are those that Connection names and the known ones (RFC 9110 7.6.1), "TE: trailers"
// excepted; and those whose names have "_" or ".", but for the allowed. What says who asked is set
// anew (forwarding_fields.h); Via added; one forward less left, of which there is one at least.
void forward_request(const http::RequestHead& head, const Hop& hop, http::RequestHead& out);

// The trailers of a request, the same way (null: no odd name is allowed); what says who asked is
// nothing for trailers.
http::Fields forwarded_trailers(const http::Fields& trailers,
                                const std::vector<std::string>* allowed);

// Takes the fields of the hop out of a response's head, and adds Via.
void forward_response(http::ResponseHead& head);

}  // namespace gatehouse::proxy
