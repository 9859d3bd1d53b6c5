// Bytes as text, two digits each.
#pragma once

#include <array>
#include <cstdint>

namespace gatehouse::proxy {

namespace detail {

inline constexpr auto kHexOfByte = [] {
  std::array<std::array<char, 2>, 256> table{};
  for (unsigned i = 0; i < table.size(); ++i) {
    table[i] = {"0123456789abcdef"[i >> 4], "0123456789abcdef"[i & 15]};
  }
  return table;
}();

}  // namespace detail

// Writes the digits of `byte` to `to`; what is behind them.
inline char* write_hex(char* to, std::uint8_t byte) {
  const auto digits = detail::kHexOfByte[byte];
  *to++ = digits[0];
  *to++ = digits[1];
  return to;
}

}  // namespace gatehouse::proxy
