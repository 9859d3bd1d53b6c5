#include "certs/listed.h"

#include <algorithm>

namespace gatehouse::certs {

std::string listed(const std::vector<std::string>& words, std::string_view between,
                   std::size_t most) {
  std::string out;
  const auto add = [&](std::string_view word) {
    if (!out.empty()) out += between;
    out += word;
  };
  for (std::size_t i = 0; i < std::min(words.size(), most); ++i) add(words[i]);
  if (words.size() > most) add("…");
  return out;
}

}  // namespace gatehouse::certs
