// Link fields (RFC 8288) as far as CAs use them: to say where a certificate's other chains are.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::acme {

inline constexpr std::size_t kLinks = 8;  // of one answer; more are left out

// The targets of `value`, a Link field or several joined by commas, that have `relation` among the
// types of their `rel`. As written: they may be relative. What cannot be read ends the list.
std::vector<std::string> link_targets(std::string_view value, std::string_view relation);

}  // namespace gatehouse::acme
