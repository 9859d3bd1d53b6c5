#include "config/host_name.h"

#include <idn2.h>

#include <algorithm>

#include "base/endpoint.h"

namespace gatehouse::config {

namespace {

bool is_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

base::Result<std::string> to_host(std::string_view text) {
  if (base::is_ip_literal(text)) return base::Endpoint::from_ip(text, 0)->host();
  std::string name(text);
  std::ranges::transform(name, name.begin(), lower);
  if (is_ascii(name)) return name;
  const std::string prefix = name.starts_with("*.") ? "*." : "";
  name.erase(0, prefix.size());
  // Upper case and wide letters are mapped as people expect (RFC 5895); all else is IDNA 2008's.
  constexpr int kFlags = IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL;
  std::uint8_t* found = nullptr;
  const int status =
      idn2_lookup_u8(reinterpret_cast<const std::uint8_t*>(name.c_str()), &found, kFlags);
  if (status != IDN2_OK) {
    return base::fail(base::Code::kMalformed,
                      "\"" + std::string(text) +
                          "\" is no internationalised name (IDNA 2008): " + idn2_strerror(status));
  }
  std::string out = prefix + reinterpret_cast<const char*>(found);
  idn2_free(found);
  return out;
}

bool HostName::read(Decoder& d, const Node& node, Value& out) {
  if (!d.string(node, out)) return false;
  auto host = to_host(out);
  if (host) {
    out = std::move(*host);
    return true;
  }
  d.wrong(node, std::move(host.error().detail));
  return false;
}

}  // namespace gatehouse::config
