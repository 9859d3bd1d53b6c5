#include "proxy/via.h"

#include <fmt/format.h>
#include <openssl/rand.h>
#include <openssl/siphash.h>

#include <array>
#include <cstdint>
#include <string>

namespace gatehouse::proxy {

namespace {

constexpr std::string_view kPseudonym = "gatehouse";

// "gatehouse-" and 64 bits that nobody else can make, so that nobody can keep a request of another
// from passing.
std::string pseudonym_for(std::string_view host) {
  static const auto key = [] {
    std::array<std::uint64_t, 2> made;
    RAND_bytes(reinterpret_cast<std::uint8_t*>(made.data()), sizeof made);
    return made;
  }();
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(host.data());
  return fmt::format("{}-{:016x}", kPseudonym, SIPHASH_24(key.data(), bytes, host.size()));
}

std::string_view name_of(http::Version version) {
  switch (version) {
    case http::Version::kHttp10: return "1.0 ";
    case http::Version::kHttp11: return "1.1 ";
    case http::Version::kHttp2: return "2 ";
  }
  return "1.1 ";
}

void add(http::Fields& fields, http::Version version, std::string_view pseudonym) {
  auto via = fields.joined("Via");
  if (!via.empty()) via += ", ";
  via += name_of(version);
  via += pseudonym;
  fields.set("Via", via);
}

}  // namespace

void add_via(http::RequestHead& request) {
  add(request.fields, request.version, pseudonym_for(request.host()));
}

void add_via(http::ResponseHead& response) {
  add(response.fields, http::Version::kHttp11, kPseudonym);
}

bool has_passed(const http::RequestHead& request) {
  const auto via = request.fields.joined("Via");
  return via.find(kPseudonym) != std::string::npos &&
         via.find(pseudonym_for(request.host())) != std::string::npos;
}

}  // namespace gatehouse::proxy
