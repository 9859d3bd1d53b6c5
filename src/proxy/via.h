// Via (RFC 9110 7.6.3): through whom a message went, and whether it went through us already.
#pragma once

#include <string_view>

#include "http/message.h"

namespace gatehouse::proxy {

// Adds us to the fields with which `request` goes on to an upstream. The name that we give
// ourselves there is this process's for this host: another gatehouse, and another site of ours,
// have others.
void add_via(http::Fields& fields, const http::RequestHead& request);
// Adds us to a response's fields on their way to a client.
void add_via(http::Fields& response);

// Whether we have forwarded this request for the same host before.
bool has_passed(const http::RequestHead& request);

}  // namespace gatehouse::proxy
