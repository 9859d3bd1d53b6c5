// Why a message is refused, whatever version carried it.
#pragma once

#include <cstdint>
#include <string_view>

namespace gatehouse::http {

// With which status, and why: a constant sentence. Status 0: it is not refused.
struct Refusal {
  std::uint16_t status = 0;
  std::string_view why;

  Refusal() = default;
  Refusal(std::uint16_t s, std::string_view w) : status(s), why(w) {}
  explicit operator bool() const { return status != 0; }
};

}  // namespace gatehouse::http
