#include "proxy/via.h"

#include <openssl/rand.h>
#include <openssl/siphash.h>

#include <algorithm>
#include <array>
#include <cstdint>

#include "proxy/hex.h"

namespace gatehouse::proxy {

namespace {

constexpr std::string_view kPseudonym = "gatehouse";
constexpr std::size_t kOurs = 32;  // bytes of what we add, and a bit more

// "gatehouse-" and 64 bits that nobody else can make, so that nobody can keep a request of another
// from passing. Appended to `out`.
void append_pseudonym(std::string_view host, base::Text& out) {
  static const auto key = [] {
    std::array<std::uint64_t, 2> made;
    RAND_bytes(reinterpret_cast<std::uint8_t*>(made.data()), sizeof made);
    return made;
  }();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(host.data());
  const auto proof = SIPHASH_24(key.data(), bytes, host.size());
  std::array<char, kPseudonym.size() + 1 + 16> text;
  auto* to = std::copy(kPseudonym.begin(), kPseudonym.end(), text.data());
  *to++ = '-';
  for (int shift = 56; shift >= 0; shift -= 8) {
    to = write_hex(to, static_cast<std::uint8_t>(proof >> shift));
  }
  out.append(text.data(), text.size());
}

std::string_view name_of(http::Version version) {
  switch (version) {
    case http::Version::kHttp10: return "1.0 ";
    case http::Version::kHttp11: return "1.1 ";
    case http::Version::kHttp2: return "2 ";
  }
  return "1.1 ";
}

// What stands in it, ready to be followed.
base::Text list_of(const http::Fields& fields) {
  base::Text list;
  if (!fields.has(http::FieldName::kVia)) return list;
  for (const auto& field : fields) {
    if (field.known == http::FieldName::kVia) list.append(field.value).append(", ");
  }
  return list;
}

base::Text take_list(http::Fields& fields) {
  auto list = list_of(fields);
  if (!list.empty()) fields.remove(http::FieldName::kVia);
  return list;
}

}  // namespace

void add_via(http::Fields& fields, const http::RequestHead& request) {
  auto via = take_list(fields);
  via.reserve(via.size() + kOurs);
  via += name_of(request.version);
  append_pseudonym(request.host(), via);
  fields.add(http::FieldName::kVia, via);
}

void add_via(http::Fields& response) {
  auto via = take_list(response);
  via += name_of(http::Version::kHttp11);
  via += kPseudonym;
  response.add(http::FieldName::kVia, via);
}

bool has_passed(const http::RequestHead& request) {
  if (!request.fields.has(http::FieldName::kVia)) return false;
  const auto via = list_of(request.fields);
  if (via.find(kPseudonym) == base::Text::npos) return false;
  base::Text ours;
  append_pseudonym(request.host(), ours);
  return via.find(ours) != base::Text::npos;
}

}  // namespace gatehouse::proxy
