#include "certs/name_pattern.h"

namespace gatehouse::certs {

std::string_view parent_suffix(std::string_view name) {
  const std::size_t dot = name.find('.');
  if (dot == std::string_view::npos || dot == 0) return {};
  return name.substr(dot);
}

bool allows(std::string_view pattern, std::string_view name) {
  if (pattern == "*") return true;
  if (!pattern.starts_with("*.")) return pattern == name;
  const std::string_view suffix = pattern.substr(1);
  return name.size() > suffix.size() && name.ends_with(suffix);
}

}  // namespace gatehouse::certs
