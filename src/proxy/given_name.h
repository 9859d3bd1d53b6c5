// Names as people type them, on the command line or in a request to admin.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::proxy {

// As configuration and storage have it: lower case, A-labels (IDNA 2008), no final dot, an address
// in its one form. What is no name stays as it was given: whoever looks it up says so.
std::string given_name(std::string_view text);

}  // namespace gatehouse::proxy
