// The part of a name that somebody has registered, by which CAs limit certificates.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::certs {

// "b.example.co.uk" is of "example.co.uk", by the public suffix list that libpsl was built with; a
// name that is a public suffix itself stands for itself, and so does an IPv4 address; an IPv6
// address is of its /64 ("2001:db8:0:1::"). A wildcard is of its parent. For names as they are on
// the wire: lower case, A-labels. Any thread.
std::string registered_domain(std::string_view name);

}  // namespace gatehouse::certs
