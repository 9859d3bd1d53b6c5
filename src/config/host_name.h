// Hosts of sites and patterns of names as a person writes them, and as they are compared.
#pragma once

#include <string>
#include <string_view>

#include "base/error.h"
#include "config/codec.h"

namespace gatehouse::config {

// `text` with its name in lower case and as A-labels (IDNA 2008, RFC 5891; "bücher.example" becomes
// "xn--bcher-kva.example"), a leading "*." kept; an IP address in its one form (RFC 5952), without
// brackets. What is ASCII already is not judged here. Error: kMalformed for what no A-label is of.
base::Result<std::string> to_host(std::string_view text);

// The codec of a host.
struct HostName {
  using Value = std::string;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema() { return codec::Text::schema(); }
};

}  // namespace gatehouse::config
