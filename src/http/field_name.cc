#include "http/field_name.h"

#include <array>
#include <cstddef>

#include "http/fields.h"

namespace gatehouse::http {

namespace {

constexpr std::array<std::string_view, 29> kSpellings = {"",
                                                         "Client-Cert",
                                                         "Client-Cert-Chain",
                                                         "Connection",
                                                         "Content-Length",
                                                         "Content-Type",
                                                         "Date",
                                                         "Expect",
                                                         "Forwarded",
                                                         "Host",
                                                         "HTTP2-Settings",
                                                         "Keep-Alive",
                                                         "Proxy-Authenticate",
                                                         "Proxy-Authorization",
                                                         "Proxy-Connection",
                                                         "Sec-WebSocket-Accept",
                                                         "Sec-WebSocket-Key",
                                                         "Sec-WebSocket-Version",
                                                         "TE",
                                                         "traceparent",
                                                         "tracestate",
                                                         "Transfer-Encoding",
                                                         "Upgrade",
                                                         "Via",
                                                         "X-Forwarded-For",
                                                         "X-Forwarded-Host",
                                                         "X-Forwarded-Proto",
                                                         "X-Real-IP",
                                                         "X-Request-Id"};
static_assert(kSpellings.size() == static_cast<std::size_t>(FieldName::kXRequestId) + 1);

constexpr std::size_t kPlaces = 256;

// Of the length and two letters, without case: what clashes stands in the next place.
constexpr std::size_t place_of(std::string_view name) {
  const auto first = static_cast<unsigned char>(name.front()) | 0x20u;
  const auto last = static_cast<unsigned char>(name.back()) | 0x20u;
  return (name.size() * 5 + first * 3 + last * 11) % kPlaces;
}

constexpr auto kTable = [] {
  std::array<FieldName, kPlaces> table{};
  for (std::size_t i = 1; i < kSpellings.size(); ++i) {
    auto at = place_of(kSpellings[i]);
    while (table[at] != FieldName::kOther) at = (at + 1) % kPlaces;
    table[at] = static_cast<FieldName>(i);
  }
  return table;
}();

}  // namespace

FieldName known_field(std::string_view name) {
  if (name.empty()) return FieldName::kOther;
  for (auto at = place_of(name); kTable[at] != FieldName::kOther; at = (at + 1) % kPlaces) {
    if (equal_names(spelling(kTable[at]), name)) return kTable[at];
  }
  return FieldName::kOther;
}

std::string_view spelling(FieldName name) { return kSpellings[static_cast<std::size_t>(name)]; }

}  // namespace gatehouse::http
