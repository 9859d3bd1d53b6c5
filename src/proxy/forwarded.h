// How a list of proxies is written: X-Forwarded-For, and Forwarded (RFC 7239).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "http/fields.h"

namespace gatehouse::proxy {

// One element of Forwarded: what a proxy said of who connected to it. Empty where it said nothing.
struct ForwardedElement {
  std::string node;   // "for", without quotes
  std::string proto;  // in lower case
  std::string host;
};

struct ForwardedList {
  std::vector<ForwardedElement> elements;  // the first proxy's first
  bool is_whole = true;
};

// Every Forwarded among the fields. One that breaks the grammar is left out, and with it what came
// before it, which may be anybody's: the list is not whole then.
ForwardedList read_forwarded(const http::Fields& fields);

// An element to add: who connected to us, how, and for which host (may be empty).
std::string forwarded_element(std::string_view ip, std::string_view proto, std::string_view host);

// The parts of a comma-separated list, without blanks and empty ones; views of `list`.
std::vector<std::string_view> list_parts(std::string_view list);

// The address of a node: "192.0.2.1", "2001:db8::1" or "[2001:db8::1]", with or without a port;
// none for "unknown", "_hidden" and all else (RFC 7239 6).
std::optional<base::Endpoint> address_of_node(std::string_view node);

}  // namespace gatehouse::proxy
