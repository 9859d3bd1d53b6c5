// Patterns of host names.
#pragma once

#include <string_view>

namespace gatehouse::certs {

// Whether a pattern of tls.on_demand.allow covers `name`, both in lower case: "a.example" itself,
// "*.a.example" every name below it (of any depth), "*" every name.
bool allows(std::string_view pattern, std::string_view name);

// What follows the first label, with its dot: ".b.example" of "a.b.example". Empty when there is
// no second label.
std::string_view parent_suffix(std::string_view name);

}  // namespace gatehouse::certs
