// URLs in the configuration that gatehouse itself sends requests to.
#pragma once

#include <string_view>

namespace gatehouse::config {

// Whether a request can be sent there: "http://" or "https://", a host name or an IP address (IPv6
// in brackets), maybe a port; no user, no fragment, and no byte that a URL would hold escaped (RFC
// 3986). Takes nothing that http::parse_url would refuse later.
bool is_http_url(std::string_view text);

// The host of such a URL, as written but without brackets.
std::string_view host_of_url(std::string_view url);

}  // namespace gatehouse::config
