#include "proxy/hop_fields.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "http/websocket.h"

namespace gatehouse::proxy {

namespace {

constexpr std::string_view kPseudonym = "gatehouse";
constexpr std::array<std::string_view, 8> kHopFields = {
    "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization",
    "TE",         "Upgrade",    "HTTP2-Settings",   "Proxy-Authenticate"};
// Said by us, or by nobody: an upstream that believes them must not believe a stranger.
constexpr std::array<std::string_view, 8> kForwardingFields = {
    "X-Forwarded-For",    "X-Forwarded-Proto",  "X-Forwarded-Host", "X-Forwarded-Port",
    "X-Forwarded-Server", "X-Forwarded-Prefix", "Forwarded",        "X-Real-IP"};

// CGI and its heirs give "X_Forwarded_For" and "X.Forwarded.For" to a program under the one name
// that it knows "X-Forwarded-For" by.
bool means_forwarding(std::string_view name) {
  const auto same = [](char a, char b) {
    if (a == '_' || a == '.') a = '-';
    return http::equal_names(std::string_view(&a, 1), std::string_view(&b, 1));
  };
  return std::ranges::any_of(kForwardingFields, [&](std::string_view ours) {
    return std::ranges::equal(name, ours, same);
  });
}

// End-to-end fields that a client must not have removed on its behalf by naming them.
bool may_be_named(std::string_view name) {
  for (const auto kept : {"Content-Type", "Cookie", "Authorization", "Host", "Content-Length"}) {
    if (http::equal_names(name, kept)) return false;
  }
  return true;
}

void remove_named(http::Fields& fields, std::string_view list) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    const auto name = http::without_blanks(list.substr(0, comma));
    if (!name.empty() && may_be_named(name)) fields.remove(name);
    if (comma == std::string_view::npos) break;
    list.remove_prefix(comma + 1);
  }
}

void add_via(http::Fields& fields, http::Version version) {
  auto via = fields.joined("Via");
  if (!via.empty()) via += ", ";
  via += version == http::Version::kHttp10 ? "1.0 " : "1.1 ";
  via += kPseudonym;
  fields.set("Via", via);
}

}  // namespace

void remove_hop_fields(http::Fields& fields) {
  const bool trailers = fields.has_token("TE", "trailers");
  const auto named = fields.joined("Connection");
  remove_named(fields, named);
  for (const auto name : kHopFields) fields.remove(name);
  if (trailers) fields.add("TE", "trailers");
}

http::RequestHead forwarded_request(const http::RequestHead& head, const Hop& hop) {
  http::RequestHead out = head;
  remove_hop_fields(out.fields);
  std::erase_if(out.fields.list(),
                [](const http::Field& field) { return means_forwarding(field.name); });
  out.fields.add("X-Forwarded-For", hop.client_ip);
  out.fields.add("X-Forwarded-Proto", hop.scheme);
  if (!head.authority.empty()) out.fields.add("X-Forwarded-Host", head.authority);
  add_via(out.fields, head.version);
  if (head.version == http::Version::kHttp2 && head.upgrade == "websocket") {
    // What HTTP/1.1 needs for a handshake, and extended CONNECT leaves out (RFC 8441 5).
    out.fields.set("Sec-WebSocket-Key", http::websocket_key());
    out.fields.set("Sec-WebSocket-Version", "13");
  }
  out.version = http::Version::kHttp11;
  return out;
}

void forward_response(http::ResponseHead& head) {
  remove_hop_fields(head.fields);
  head.fields.remove("TE");
  add_via(head.fields, http::Version::kHttp11);
}

}  // namespace gatehouse::proxy
