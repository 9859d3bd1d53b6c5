#include "http/field_name.h"

#include <array>
#include <cstddef>

#include "http/fields.h"

namespace gatehouse::http {

namespace {

constexpr std::array<std::string_view, 57> kSpellings = {
    "",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Accept-Ranges",
    "Authorization",
    "Cache-Control",
    "Client-Cert",
    "Client-Cert-Chain",
    "Connection",
    "Content-Encoding",
    "Content-Length",
    "Content-Type",
    "Cookie",
    "Date",
    "ETag",
    "Expect",
    "Expires",
    "Forwarded",
    "Host",
    "HTTP2-Settings",
    "If-Modified-Since",
    "If-None-Match",
    "Keep-Alive",
    "Last-Modified",
    "Location",
    "Origin",
    "Pragma",
    "Proxy-Authenticate",
    "Proxy-Authorization",
    "Proxy-Connection",
    "Range",
    "Referer",
    "Sec-Fetch-Dest",
    "Sec-Fetch-Mode",
    "Sec-Fetch-Site",
    "Sec-Fetch-User",
    "Sec-WebSocket-Accept",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Server",
    "Set-Cookie",
    "Strict-Transport-Security",
    "TE",
    "traceparent",
    "tracestate",
    "Transfer-Encoding",
    "Upgrade",
    "Upgrade-Insecure-Requests",
    "User-Agent",
    "Vary",
    "Via",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Real-IP",
    "X-Request-Id",
};
static_assert(kSpellings.size() == static_cast<std::size_t>(FieldName::kXRequestId) + 1);
static_assert(kSpellings.size() <= 64, "FieldNames has a bit for each");

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
    const auto known = spelling(kTable[at]);
    if (known == name || equal_names(known, name)) return kTable[at];
  }
  return FieldName::kOther;
}

std::string_view spelling(FieldName name) { return kSpellings[static_cast<std::size_t>(name)]; }

}  // namespace gatehouse::http
