// What was probably meant by a word that is not known.
#pragma once

#include <string_view>
#include <vector>

namespace gatehouse::config {

// The one of `known` that `word` is a misspelling of, or empty when none is near.
std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known);

}  // namespace gatehouse::config
