// Ranges of IP addresses (CIDR, RFC 4632 and RFC 4291 2.3), for who is trusted with what.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/endpoint.h"

namespace gatehouse::base {

// The addresses that begin with the same bits. An IPv4 range also holds its addresses where they
// are written as IPv6 ("::ffff:192.0.2.1").
class IpRange {
 public:
  IpRange() = default;

  // "10.0.0.0/8", "2001:db8::/32", or one address. Errors: kMalformed saying what is wrong, also
  // when bits behind the prefix are set: whoever wrote that meant another range.
  static Result<IpRange> parse(std::string_view text);

  // Whatever the port. Never an address of another kind, a Unix socket among them.
  bool contains(const Endpoint& address) const;
  // As parse() reads it, with its prefix.
  std::string text() const;

 private:
  using Address = std::array<std::uint8_t, 16>;  // IPv4 as ::ffff:0:0/96
  Address first_{};
  unsigned prefix_ = 128;  // bits of first_ that count
};

// Whether one of the ranges holds the address.
bool contains(std::span<const IpRange> ranges, const Endpoint& address);

}  // namespace gatehouse::base
