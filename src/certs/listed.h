// Words of a message, one after another.
#pragma once

#include <cstddef>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::certs {

// "a, b, c"; "a, b, …" where there are more than `most`.
std::string listed(const std::vector<std::string>& words, std::string_view between = ", ",
                   std::size_t most = std::numeric_limits<std::size_t>::max());

}  // namespace gatehouse::certs
