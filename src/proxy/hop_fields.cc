#include "proxy/hop_fields.h"

#include <algorithm>
#include <charconv>

#include "base/log.h"
#include "http/websocket.h"
#include "proxy/via.h"

namespace gatehouse::proxy {

namespace {

using Name = http::FieldName;

constexpr http::FieldNames kHopFields = {
    Name::kConnection, Name::kKeepAlive, Name::kProxyConnection, Name::kProxyAuthorization,
    Name::kTe,         Name::kUpgrade,   Name::kHttp2Settings,   Name::kProxyAuthenticate};

// End-to-end fields that a client must not have removed on its behalf by naming them.
bool may_be_named(std::string_view name) {
  for (const auto kept : {"Content-Type", "Cookie", "Authorization", "Host", "Content-Length"}) {
    if (http::equal_names(name, kept)) return false;
  }
  return !names_forwarding(name);
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

bool is_allowed(std::string_view name, const std::vector<std::string>& allowed) {
  return std::ranges::any_of(allowed,
                             [name](const auto& one) { return http::equal_names(name, one); });
}

// Programs behind us that know fields as CGI's variables cannot tell "X_User" from "X-User".
void remove_odd_names(http::Fields& fields, const std::vector<std::string>& allowed) {
  if (!fields.may_be_odd()) return;
  std::string names;
  fields.remove_if([&](const http::Field& field) {
    const bool dropped = field.odd && !is_allowed(field.name, allowed);
    if (dropped) names.append(names.empty() ? "" : " ").append(field.name);
    return dropped;
  });
  if (names.empty()) return;
  base::log::debug("fields were dropped: allowed_fields does not name them", {{"names", names}});
}

// Those of `from` that are not of its connection.
void assign_without_hop(http::Fields& fields, const http::Fields& from) {
  fields.assign_if(from,
                   [](const http::Field& field) { return !kHopFields.contains(field.known); });
  if (from.has(Name::kConnection)) {
    for (const auto& field : from) {
      if (field.known == Name::kConnection) remove_named(fields, field.value);
    }
  }
  if (from.has_token(Name::kTe, "trailers")) fields.add(Name::kTe, "trailers");
}

}  // namespace

std::optional<std::uint64_t> forwards_left(const http::RequestHead& head) {
  if (std::string_view(head.method) != "OPTIONS") return std::nullopt;
  const auto text = head.fields.joined("Max-Forwards");
  const auto* end = text.data() + text.size();
  std::uint64_t left = 0;
  const auto parsed = std::from_chars(text.data(), end, left);
  if (parsed.ec != std::errc() || parsed.ptr != end) return std::nullopt;
  return left;
}

void forward_request(const http::RequestHead& head, const Hop& hop, http::RequestHead& out) {
  out.method = head.method;
  out.target = head.target;
  out.authority = head.authority;
  out.version = http::Version::kHttp11;
  out.body = head.body;
  out.content_length = head.content_length;
  out.expect_continue = head.expect_continue;
  out.upgrade = head.upgrade;
  assign_without_hop(out.fields, head.fields);
  remove_odd_names(out.fields, hop.allowed);
  set_forwarding_fields(out.fields, head.authority, hop.peer, hop.facts);
  add_via(out.fields, head);
  if (const auto left = forwards_left(head)) {
    out.fields.set("Max-Forwards", std::to_string(*left - 1));
  }
  if (head.version == http::Version::kHttp2 && head.upgrade == "websocket") {
    // What HTTP/1.1 needs for a handshake, and extended CONNECT leaves out (RFC 8441 5).
    out.fields.set(Name::kSecWebSocketKey, http::websocket_key());
    out.fields.set(Name::kSecWebSocketVersion, "13");
  }
}

http::Fields forwarded_trailers(const http::Fields& trailers,
                                const std::vector<std::string>* allowed) {
  http::Fields out = trailers;
  remove_odd_names(out, allowed == nullptr ? std::vector<std::string>() : *allowed);
  out.remove_if([](const http::Field& field) { return means_forwarding(field); });
  return out;
}

void forward_response(http::ResponseHead& head) {
  auto& fields = head.fields;
  if (fields.may_have(kHopFields)) {
    std::string named;
    for (const auto& field : fields) {
      if (field.known == Name::kConnection) named.append(field.value).append(",");
    }
    fields.remove_if([](const http::Field& field) { return kHopFields.contains(field.known); });
    remove_named(fields, named);
  }
  add_via(fields);
}

}  // namespace gatehouse::proxy
