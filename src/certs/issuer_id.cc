#include "certs/issuer_id.h"

namespace gatehouse::certs {

std::string issuer_id_of(std::string_view directory_url) {
  constexpr std::size_t kLongest = 128;
  const std::size_t scheme = directory_url.find("://");
  if (scheme != std::string_view::npos) directory_url.remove_prefix(scheme + 3);
  std::string id;
  for (const char c : directory_url.substr(0, kLongest)) {
    const bool upper = c >= 'A' && c <= 'Z';
    const char lower = upper ? static_cast<char>(c - 'A' + 'a') : c;
    const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                       lower == '.' || lower == '-';
    id.push_back(plain ? lower : '-');
  }
  while (id.ends_with('-')) id.pop_back();
  // No segment may be hidden or go up.
  if (id.empty() || id.starts_with('.')) id.insert(0, "ca");
  return id;
}

}  // namespace gatehouse::certs
