// Looking at eight bytes of a text at once, as one number.
#pragma once

#include <cstdint>
#include <cstring>
#include <string_view>

namespace gatehouse::http {

inline constexpr std::uint64_t kOnes = ~std::uint64_t(0) / 255;  // 0x01 in each byte
inline constexpr std::uint64_t kHighs = kOnes * 0x80;

inline std::uint64_t eight_at(const char* bytes) {
  std::uint64_t eight;
  std::memcpy(&eight, bytes, sizeof eight);
  return eight;
}

// Not 0 when one of the bytes is below 0x20, or 0x7f.
constexpr std::uint64_t controls_in(std::uint64_t eight) {
  const auto below_blank = (eight - kOnes * 0x20) & ~eight;
  const auto del = eight ^ (kOnes * 0x7f);  // 0 where it stands
  return (below_blank | ((del - kOnes) & ~del)) & kHighs;
}

// Whether a byte of `text` is below 0x20, as a tab is, or 0x7f.
inline bool may_have_control_byte(std::string_view text) {
  const char* at = text.data();
  const char* const end = at + text.size();
  if (text.size() < 8) {
    for (; at < end; ++at) {
      if (static_cast<unsigned char>(*at) < 0x20 || *at == 0x7f) return true;
    }
    return false;
  }
  for (; at + 8 < end; at += 8) {
    if (controls_in(eight_at(at)) != 0) return true;
  }
  return controls_in(eight_at(end - 8)) != 0;  // of which some may have been looked at before
}

}  // namespace gatehouse::http
