// The fields that tell an upstream who asked for what, and by which names it is logged:
// X-Forwarded-*, Forwarded, Client-Cert, X-Request-Id, traceparent.
#pragma once

#include <string_view>

#include "http/fields.h"
#include "proxy/request_facts.h"

namespace gatehouse::proxy {

// Puts them into a request's `fields`, which are as they came. What a peer that is not trusted said
// is replaced, or removed where we have nothing to say; a trusted one's lists get our element.
// Client-Cert (RFC 9440) is ours alone, whoever the peer.
// `authority`: of the request, may be empty.
void set_forwarding_fields(http::Fields& fields, std::string_view authority,
                           const ClientFacts& peer, const RequestFacts& facts);

// Whether an upstream could take a field of that name for one of these, or of those with which
// well-known proxies name a client (X-Real-IP, CF-*).
bool names_forwarding(std::string_view name);
// The same of a field that was read, which is faster.
bool means_forwarding(const http::Field& field);

}  // namespace gatehouse::proxy
