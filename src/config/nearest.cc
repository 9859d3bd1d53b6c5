#include "config/nearest.h"

#include <algorithm>
#include <cstddef>
#include <numeric>

namespace gatehouse::config {

namespace {

// Levenshtein's.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), 0);
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = row[0];
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const auto replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = row[j];
      row[j] = std::min({row[j] + 1, row[j - 1] + 1, replaced});
    }
  }
  return row.back();
}

}  // namespace

std::string_view nearest(std::string_view word, const std::vector<std::string_view>& known) {
  std::string_view found;
  std::size_t least = std::max<std::size_t>(2, word.size() / 3) + 1;
  for (const auto one : known) {
    const auto d = distance(word, one);
    if (d < least) {
      least = d;
      found = one;
    }
  }
  return found;
}

}  // namespace gatehouse::config
