#include "proxy/trace_context.h"

#include <openssl/rand.h>

#include <array>
#include <cstdint>
#include <span>
#include <string_view>

#include "proxy/hex.h"

namespace gatehouse::proxy {

namespace {

constexpr std::string_view kHex = "0123456789abcdef";
constexpr std::size_t kSize = 55;  // "00-" trace-id "-" parent-id "-" flags

bool is_hex(std::string_view text) {
  return text.find_first_not_of(kHex) == std::string_view::npos;
}
bool is_id(std::string_view text) {
  return is_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

bool is_valid(std::string_view text) {
  if (text.size() < kSize || text[2] != '-' || text[35] != '-' || text[52] != '-') return false;
  const auto version = text.substr(0, 2);
  if (!is_hex(version) || version == "ff") return false;
  // A later version may have more behind the flags (3.2.4).
  const bool ends = text.size() == kSize || (version != "00" && text[kSize] == '-');
  return ends && is_id(text.substr(3, 32)) && is_id(text.substr(36, 16)) &&
         is_hex(text.substr(53, 2));
}

}  // namespace

base::Text trace_id_of(const http::Fields& fields) {
  const auto parent = fields.find(http::FieldName::kTraceparent);
  const bool one = fields.count(http::FieldName::kTraceparent) == 1;
  if (!parent || !one || !is_valid(*parent)) return {};
  return base::Text(parent->substr(3, 32));
}

base::Text random_id() {
  // Many at a time: making the generator ready costs more than what it gives.
  struct Drawn {
    std::array<std::uint8_t, 64 * 16> bytes{};
    std::size_t used = 64 * 16;
  };
  static constinit thread_local Drawn drawn;
  if (drawn.used == drawn.bytes.size()) {
    RAND_bytes(drawn.bytes.data(), drawn.bytes.size());
    drawn.used = 0;
  }
  const auto bytes = std::span(drawn.bytes).subspan(drawn.used, 16);
  drawn.used += bytes.size();
  base::Text text;
  text.resize_and_overwrite(2 * bytes.size(), [bytes](char* to, std::size_t) {
    for (const auto byte : bytes) to = write_hex(to, byte);
    return 2 * bytes.size();
  });
  return text;
}

}  // namespace gatehouse::proxy
