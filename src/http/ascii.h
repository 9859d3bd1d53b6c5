// Characters as protocols see them: in ASCII, whatever the locale (RFC 5234 appendix B.1).
#pragma once

namespace gatehouse::http {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }

constexpr char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
}

}  // namespace gatehouse::http
