#include "storage/storage.h"

#include <algorithm>

namespace gatehouse::storage {

namespace {

constexpr std::size_t kLongestKey = 512;

bool is_segment(std::string_view segment) {
  const auto allowed = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '_' || c == '*' || c == '-';
  };
  return !segment.empty() && segment != "." && segment != ".." &&
         std::all_of(segment.begin(), segment.end(), allowed);
}

}  // namespace

bool is_key(std::string_view key) {
  if (key.empty() || key.size() > kLongestKey) return false;
  for (std::size_t begin = 0; begin <= key.size();) {
    const auto slash = std::min(key.find('/', begin), key.size());
    if (!is_segment(key.substr(begin, slash - begin))) return false;
    begin = slash + 1;
  }
  return true;
}

}  // namespace gatehouse::storage
