#include "base/endpoint.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/un.h>
#include <unistd.h>

#include <cstddef>
#include <cstring>

namespace gatehouse::base {

namespace {

constexpr std::size_t kLongestIp = INET6_ADDRSTRLEN;

std::string_view without_brackets(std::string_view ip) {
  if (ip.size() >= 2 && ip.front() == '[' && ip.back() == ']') return ip.substr(1, ip.size() - 2);
  return ip;
}

bool parse_ip(std::string_view ip, int family, void* out) {
  char text[kLongestIp + 1] = {};
  if (ip.empty() || ip.size() > kLongestIp) return false;
  std::memcpy(text, ip.data(), ip.size());
  return ::inet_pton(family, text, out) == 1;
}

}  // namespace

Endpoint::Endpoint(const sockaddr* address, socklen_t length) : length_(length) {
  std::memcpy(&storage_, address, length);
}

Result<Endpoint> Endpoint::from_ip(std::string_view ip, std::uint16_t port) {
  const bool bracketed = !ip.empty() && ip.front() == '[';
  ip = without_brackets(ip);
  sockaddr_in v4{};
  v4.sin_family = AF_INET;
  v4.sin_port = htons(port);
  if (!bracketed && parse_ip(ip, AF_INET, &v4.sin_addr)) {
    return Endpoint(reinterpret_cast<const sockaddr*>(&v4), sizeof v4);
  }
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  v6.sin6_port = htons(port);
  if (parse_ip(ip, AF_INET6, &v6.sin6_addr)) {
    return Endpoint(reinterpret_cast<const sockaddr*>(&v6), sizeof v6);
  }
  return fail(Code::kMalformed, "\"" + std::string(ip) + "\" is not an IP address");
}

Endpoint Endpoint::any(std::uint16_t port) {
  const int probe = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (probe >= 0) ::close(probe);
  return probe >= 0 ? *from_ip("::", port) : *from_ip("0.0.0.0", port);
}

Result<Endpoint> Endpoint::from_unix(std::string_view path) {
  sockaddr_un un{};
  un.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof un.sun_path) {
    return fail(Code::kTooLarge, "a Unix socket's path has 1 to 107 bytes");
  }
  std::memcpy(un.sun_path, path.data(), path.size());
  const auto length = offsetof(sockaddr_un, sun_path) + path.size() + 1;
  return Endpoint(reinterpret_cast<const sockaddr*>(&un), static_cast<socklen_t>(length));
}

std::uint16_t Endpoint::port() const {
  if (family() == AF_INET) return ntohs(reinterpret_cast<const sockaddr_in&>(storage_).sin_port);
  if (family() == AF_INET6) return ntohs(reinterpret_cast<const sockaddr_in6&>(storage_).sin6_port);
  return 0;
}

std::string Endpoint::host() const {
  char text[kLongestIp + 1] = {};
  if (family() == AF_INET) {
    ::inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(storage_).sin_addr, text,
                sizeof text);
  } else if (family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6&>(storage_).sin6_addr;
    if (IN6_IS_ADDR_V4MAPPED(&v6)) {
      ::inet_ntop(AF_INET, v6.s6_addr + 12, text, sizeof text);
    } else {
      ::inet_ntop(AF_INET6, &v6, text, sizeof text);
    }
  } else if (family() == AF_UNIX) {
    return std::string("unix:") + reinterpret_cast<const sockaddr_un&>(storage_).sun_path;
  }
  return text;
}

std::string Endpoint::text() const {
  if (!is_ip()) return host();
  const auto ip = host();
  const auto port_text = std::to_string(port());
  return ip.find(':') != std::string::npos ? "[" + ip + "]:" + port_text : ip + ":" + port_text;
}

bool operator==(const Endpoint& a, const Endpoint& b) {
  return a.length_ == b.length_ && std::memcmp(&a.storage_, &b.storage_, a.length_) == 0;
}

bool is_ip_literal(std::string_view text) {
  unsigned char out[16];
  const auto bare = without_brackets(text);
  return parse_ip(bare, AF_INET, out) || parse_ip(bare, AF_INET6, out);
}

}  // namespace gatehouse::base
