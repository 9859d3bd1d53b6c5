#include "config/http_url.h"

#include <algorithm>
#include <charconv>
#include <cstdint>

#include "base/endpoint.h"

namespace gatehouse::config {

namespace {

// What stands between the scheme and the path.
std::string_view authority_of(std::string_view url) {
  const auto scheme = url.find("://");
  if (scheme == std::string_view::npos) return {};
  url.remove_prefix(scheme + 3);
  return url.substr(0, url.find_first_of("/?#"));
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), port);
  return parsed.ec == std::errc() && parsed.ptr == text.data() + text.size() && port != 0;
}

bool is_name(std::string_view host) {
  const bool empty_label = host.starts_with('.') || host.find("..") != std::string_view::npos;
  return !host.empty() && !empty_label && std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.' || c == '_';
  });
}

}  // namespace

std::string_view host_of_url(std::string_view url) {
  const auto authority = authority_of(url);
  if (authority.starts_with('[')) return authority.substr(1, authority.find(']') - 1);
  return authority.substr(0, authority.find(':'));
}

bool is_http_url(std::string_view text) {
  if (!text.starts_with("http://") && !text.starts_with("https://")) return false;
  const bool plain = std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < '\x7f' &&
           std::string_view("\"#<>\\^`{|}").find(c) == std::string_view::npos;
  });
  const auto authority = authority_of(text);
  const auto host = host_of_url(text);
  const bool bracketed = authority.starts_with('[');
  const bool is_host = bracketed ? host.find(':') != std::string_view::npos &&
                                       base::is_ip_literal(host) &&
                                       authority.find(']') != std::string_view::npos
                                 : is_name(host);
  if (!plain || !is_host) return false;
  const auto rest = authority.substr(host.size() + (bracketed ? 2 : 0));
  return rest.empty() || (rest.starts_with(':') && is_port(rest.substr(1)));
}

}  // namespace gatehouse::config
