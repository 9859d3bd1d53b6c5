#include "proxy/hop_fields.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "base/log.h"
#include "http/websocket.h"
#include "proxy/via.h"

namespace gatehouse::proxy {

namespace {

constexpr std::array<std::string_view, 8> kHopFields = {
    "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authorization",
    "TE",         "Upgrade",    "HTTP2-Settings",   "Proxy-Authenticate"};
// End-to-end fields that a client must not have removed on its behalf by naming them.
bool may_be_named(std::string_view name) {
  for (const auto kept : {"Content-Type", "Cookie", "Authorization", "Host", "Content-Length"}) {
    if (http::equal_names(name, kept)) return false;
  }
  return !means_forwarding(name);
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

bool is_odd(std::string_view name) { return name.find_first_of("_.") != std::string_view::npos; }

bool is_allowed(std::string_view name, const std::vector<std::string>& allowed) {
  return std::ranges::any_of(allowed,
                             [name](const auto& one) { return http::equal_names(name, one); });
}

// Programs behind us that know fields as CGI's variables cannot tell "X_User" from "X-User".
void remove_odd_names(http::Fields& fields, const std::vector<std::string>& allowed) {
  const auto dropped = [&allowed](const http::Field& field) {
    return is_odd(field.name) && !is_allowed(field.name, allowed);
  };
  if (std::ranges::none_of(fields, dropped)) return;
  std::string names;
  for (const auto& field : fields) {
    if (dropped(field)) names += (names.empty() ? "" : " ") + field.name;
  }
  base::log::debug("fields were dropped: allowed_fields does not name them", {{"names", names}});
  std::erase_if(fields.list(), dropped);
}

}  // namespace

void remove_hop_fields(http::Fields& fields) {
  const bool trailers = fields.has_token("TE", "trailers");
  const auto named = fields.joined("Connection");
  remove_named(fields, named);
  for (const auto name : kHopFields) fields.remove(name);
  if (trailers) fields.add("TE", "trailers");
}

std::optional<std::uint64_t> forwards_left(const http::RequestHead& head) {
  if (head.method != "OPTIONS") return std::nullopt;
  const auto text = head.fields.joined("Max-Forwards");
  const auto* end = text.data() + text.size();
  std::uint64_t left = 0;
  const auto parsed = std::from_chars(text.data(), end, left);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return left;
}

http::RequestHead forwarded_request(const http::RequestHead& head, const Hop& hop) {
  http::RequestHead out = head;
  remove_hop_fields(out.fields);
  remove_odd_names(out.fields, hop.allowed);
  set_forwarding_fields(out.fields, head.authority, hop.peer, hop.facts);
  add_via(out);
  if (const auto left = forwards_left(head)) {
    out.fields.set("Max-Forwards", std::to_string(*left - 1));
  }
  if (head.version == http::Version::kHttp2 && head.upgrade == "websocket") {
    // What HTTP/1.1 needs for a handshake, and extended CONNECT leaves out (RFC 8441 5).
    out.fields.set("Sec-WebSocket-Key", http::websocket_key());
    out.fields.set("Sec-WebSocket-Version", "13");
  }
  out.version = http::Version::kHttp11;
  return out;
}

http::Fields forwarded_trailers(const http::Fields& trailers,
                                const std::vector<std::string>* allowed) {
  http::Fields out = trailers;
  remove_odd_names(out, allowed == nullptr ? std::vector<std::string>() : *allowed);
  std::erase_if(out.list(), [](const http::Field& field) { return means_forwarding(field.name); });
  return out;
}

void forward_response(http::ResponseHead& head) {
  remove_hop_fields(head.fields);
  head.fields.remove("TE");
  add_via(head);
}

}  // namespace gatehouse::proxy
