// What secrets in a configuration are made of.
#pragma once

namespace gatehouse::config {

// Whether it is one of the 64 characters of base64 (RFC 4648 4).
constexpr bool is_base64_digit(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
         c == '/';
}

}  // namespace gatehouse::config
