#include "base/ip_range.h"

#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>

namespace gatehouse::base {

namespace {

constexpr unsigned kMapped = 96;  // bits before an IPv4 address in an IPv6 one

bool is_v4(const Endpoint& address) { return address.family() == AF_INET; }

// The address as 16 bytes; false when it is no IP address.
bool bytes_of(const Endpoint& address, std::array<std::uint8_t, 16>& out) {
  if (is_v4(address)) {
    const auto& v4 = reinterpret_cast<const sockaddr_in*>(address.address())->sin_addr;
    out = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0};
    std::memcpy(out.data() + 12, &v4, sizeof v4);
    return true;
  }
  if (address.family() != AF_INET6) return false;
  const auto& v6 = reinterpret_cast<const sockaddr_in6*>(address.address())->sin6_addr;
  std::memcpy(out.data(), &v6, sizeof v6);
  return true;
}

// The bits of byte `i` that a prefix covers.
std::uint8_t mask(unsigned prefix, unsigned i) {
  const unsigned covered = std::clamp(static_cast<int>(prefix) - static_cast<int>(8 * i), 0, 8);
  return static_cast<std::uint8_t>(0xff00u >> covered);
}

}  // namespace

Result<IpRange> IpRange::parse(std::string_view text) {
  const auto slash = text.find('/');
  const auto address = Endpoint::from_ip(text.substr(0, slash), 0);
  if (!address || text.starts_with('[')) {
    return fail(Code::kMalformed, "\"" + std::string(text) + "\" is no range of IP addresses");
  }
  IpRange range;
  bytes_of(*address, range.first_);
  if (slash == std::string_view::npos) return range;
  const auto digits = text.substr(slash + 1);
  const unsigned most = is_v4(*address) ? 32 : 128;
  unsigned bits = 0;
  const auto* end = digits.data() + digits.size();
  const auto parsed = std::from_chars(digits.data(), end, bits);
  if (parsed.ec != std::errc() || parsed.ptr != end || digits.empty() || bits > most) {
    return fail(Code::kMalformed, "a prefix has 0 to " + std::to_string(most) + " bits, not \"" +
                                      std::string(digits) + "\"");
  }
  range.prefix_ = is_v4(*address) ? kMapped + bits : bits;
  const auto written = range.first_;
  for (unsigned i = 0; i < written.size(); ++i) range.first_[i] &= mask(range.prefix_, i);
  if (range.first_ != written) {
    return fail(Code::kMalformed, "\"" + std::string(text) + "\" has bits behind its prefix; " +
                                      "the range is " + range.text());
  }
  return range;
}

bool IpRange::contains(const Endpoint& address) const {
  Address bytes;
  if (!bytes_of(address, bytes)) return false;
  for (unsigned i = 0; 8 * i < prefix_; ++i) {
    if (((bytes[i] ^ first_[i]) & mask(prefix_, i)) != 0) return false;
  }
  return true;
}

std::string IpRange::text() const {
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  std::memcpy(&v6.sin6_addr, first_.data(), first_.size());
  const auto address = Endpoint(reinterpret_cast<const sockaddr*>(&v6), sizeof v6).host();
  const bool v4 = address.find(':') == std::string::npos;
  return address + "/" + std::to_string(v4 ? prefix_ - kMapped : prefix_);
}

bool contains(std::span<const IpRange> ranges, const Endpoint& address) {
  return std::ranges::any_of(ranges, [&](const IpRange& range) { return range.contains(address); });
}

}  // namespace gatehouse::base
