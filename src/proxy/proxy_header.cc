#include "proxy/proxy_header.h"

#include <netinet/in.h>

#include <string_view>

namespace gatehouse::proxy {

namespace {

constexpr char kVersion2Proxy = 0x21;
constexpr char kUnspecified = 0x00;
constexpr char kTcp4 = 0x11;
constexpr char kTcp6 = 0x21;

// An address as the header's family has it: IPv4 that came by an IPv6 socket is IPv4.
struct Side {
  bool known = false;
  bool v6 = false;
  base::Endpoint endpoint;
};

Side side_of(const base::Endpoint& endpoint) {
  Side side;
  if (!endpoint.is_ip()) return side;
  const auto plain = base::Endpoint::from_ip(endpoint.host(), endpoint.port());
  if (!plain) return side;
  side.known = true;
  side.v6 = plain->family() == AF_INET6;
  side.endpoint = *plain;
  return side;
}

// In a header of IPv6: RFC 4291 section 2.5.5.2 for an IPv4 address.
std::string text_of(const Side& side, bool v6) {
  return (v6 && !side.v6 ? "::ffff:" : "") + side.endpoint.host();
}

void append_address(std::string& out, const Side& side, bool v6) {
  const auto* const address = side.endpoint.address();
  if (side.v6) {
    const auto* const in6 = reinterpret_cast<const sockaddr_in6*>(address);
    out.append(reinterpret_cast<const char*>(&in6->sin6_addr), sizeof in6->sin6_addr);
  } else {
    const auto* const in4 = reinterpret_cast<const sockaddr_in*>(address);
    if (v6) out.append(10, '\0').append(2, '\xff');
    out.append(reinterpret_cast<const char*>(&in4->sin_addr), sizeof in4->sin_addr);
  }
}

void append_number(std::string& out, std::size_t number) {
  out += static_cast<char>(number >> 8 & 0xff);
  out += static_cast<char>(number & 0xff);
}

std::string version1(const Side& client, const Side& server) {
  if (!client.known || !server.known) return "PROXY UNKNOWN\r\n";
  const bool v6 = client.v6 || server.v6;
  std::string out = v6 ? "PROXY TCP6 " : "PROXY TCP4 ";
  out += text_of(client, v6) + ' ' + text_of(server, v6);
  out += ' ' + std::to_string(client.endpoint.port());
  out += ' ' + std::to_string(server.endpoint.port()) + "\r\n";
  return out;
}

std::string version2(const Side& client, const Side& server) {
  std::string out(kProxyHeaderSignature);
  out += kVersion2Proxy;
  std::string addresses;
  if (client.known && server.known) {
    const bool v6 = client.v6 || server.v6;
    append_address(addresses, client, v6);
    append_address(addresses, server, v6);
    append_number(addresses, client.endpoint.port());
    append_number(addresses, server.endpoint.port());
    out += v6 ? kTcp6 : kTcp4;
  } else {
    out += kUnspecified;
  }
  append_number(out, addresses.size());
  return out + addresses;
}

}  // namespace

std::string proxy_header(int version, const base::Endpoint& client, const base::Endpoint& server) {
  const auto from = side_of(client);
  const auto to = side_of(server);
  return version == 1 ? version1(from, to) : version2(from, to);
}

}  // namespace gatehouse::proxy
