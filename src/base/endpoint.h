// A socket address: IPv4, IPv6 or a Unix path.
#pragma once

#include <sys/socket.h>

#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gatehouse::base {

class Endpoint {
 public:
  Endpoint() = default;
  Endpoint(const sockaddr* address, socklen_t length);

  // "127.0.0.1", "::1" or "[::1]" with a port. Error: kMalformed when `ip` is no IP literal.
  static Result<Endpoint> from_ip(std::string_view ip, std::uint16_t port);
  // Any address of this machine, IPv6 socket that takes IPv4 too (or IPv4 where IPv6 is off).
  static Endpoint any(std::uint16_t port);
  // A path of a Unix socket. Error: kTooLarge over 107 bytes.
  static Result<Endpoint> from_unix(std::string_view path);

  const sockaddr* address() const { return reinterpret_cast<const sockaddr*>(&storage_); }
  socklen_t length() const { return length_; }
  int family() const { return storage_.ss_family; }
  bool is_ip() const { return family() == AF_INET || family() == AF_INET6; }
  std::uint16_t port() const;
  // "192.0.2.1", "2001:db8::1" (an IPv4-mapped address as IPv4), or "unix:/path".
  std::string host() const;
  // "192.0.2.1:80", "[2001:db8::1]:80", or "unix:/path".
  std::string text() const;

  friend bool operator==(const Endpoint& a, const Endpoint& b);

 private:
  sockaddr_storage storage_{};
  socklen_t length_ = 0;
};

// Whether `text` is an IP address literal, with or without brackets.
bool is_ip_literal(std::string_view text);

}  // namespace gatehouse::base
