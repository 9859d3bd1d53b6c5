#include "http/framing.h"

#include <algorithm>
#include <charconv>

#include "http/target.h"

namespace gatehouse::http {

namespace {

// What a head says of framing, taken out of its fields.
struct Seen {
  unsigned lengths = 0;
  unsigned encodings = 0;
  unsigned hosts = 0;
  unsigned expects = 0;
  std::string_view length;
  std::string_view encoding;
  std::string_view host;
  std::string_view expect;
  unsigned upgrades = 0;
  std::string_view upgrade;
  bool connection_upgrade = false;
  bool close = false;
  bool keep_alive = false;
};

bool is_number(std::string_view text, std::uint64_t& out) {
  if (text.empty()) return false;
  const auto* end = text.data() + text.size();
  if (text.front() < '0' || text.front() > '9') return false;
  const auto parsed = std::from_chars(text.data(), end, out);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

// Takes one field if it is about framing; false when it belongs among the others.
bool take(FieldName name, std::string_view value, bool request, Seen& seen) {
  switch (name) {
    case FieldName::kHost:
      if (!request) return false;
      ++seen.hosts;
      seen.host = value;
      return true;
    case FieldName::kExpect:
      if (!request) return false;
      ++seen.expects;
      seen.expect = value;
      return true;
    case FieldName::kUpgrade:
      ++seen.upgrades;
      seen.upgrade = value;
      return false;
    case FieldName::kConnection:
      seen.close = seen.close || list_has_token(value, "close");
      seen.keep_alive = seen.keep_alive || list_has_token(value, "keep-alive");
      seen.connection_upgrade = seen.connection_upgrade || list_has_token(value, "upgrade");
      return false;
    case FieldName::kContentLength:
      ++seen.lengths;
      seen.length = value;
      return true;
    case FieldName::kTransferEncoding:
      ++seen.encodings;
      seen.encoding = value;
      return true;
    default: return false;
  }
}

Seen sort(const RawHead& raw, bool request, Fields& rest) {
  Seen seen;
  const auto lines = raw.field_lines;
  rest.begin_lines(lines, raw.fields.size());
  for (const auto& [name, value, known] : raw.fields) {
    const auto at = static_cast<std::size_t>(name.data() - lines.data());
    if (!take(known, value, request, seen)) rest.add_line(known, at, name, value);
  }
  return seen;
}

Persistence persistence_of(const RawHead& raw, const Seen& seen) {
  const bool keep = !seen.close && (raw.minor_version == 1 || seen.keep_alive);
  return keep ? Persistence::kKeepAlive : Persistence::kClose;
}

// The one coding that is understood is "chunked", once, alone.
Refusal check_encoding(const RawHead& raw, const Seen& seen) {
  if (raw.minor_version == 0) return Refusal(400, "Transfer-Encoding in HTTP/1.0");
  if (seen.lengths != 0) return Refusal(400, "Content-Length and Transfer-Encoding together");
  if (seen.encodings != 1) return Refusal(400, "more than one Transfer-Encoding");
  if (equal_names(seen.encoding, "chunked")) return Refusal();
  if (seen.encoding.empty()) return Refusal(400, "an empty Transfer-Encoding");
  const auto comma = std::min(seen.encoding.rfind(','), seen.encoding.size());
  if (list_has_token(seen.encoding.substr(0, comma), "chunked")) {
    return Refusal(400, "chunked must be the last transfer coding, and once");
  }
  return Refusal(501, "a transfer coding other than chunked");
}

Refusal read_target(const RawHead& raw, const Seen& seen, RequestHead& out) {
  TargetParts parts;
  if (!split_target(raw.target, parts)) return Refusal(400, "the request target is invalid");
  if (seen.hosts > 1) return Refusal(400, "more than one Host");
  if (seen.hosts == 0 && raw.minor_version == 1) return Refusal(400, "Host is missing");
  out.authority.clear();
  if (seen.hosts == 1 && !normalise_authority(seen.host, out.authority)) {
    return Refusal(400, "Host is invalid");
  }
  const bool absolute = parts.form == TargetParts::Form::kAbsolute;
  if (absolute && !normalise_authority(parts.authority, out.authority)) {
    return Refusal(400, "the host in the request target is invalid");
  }
  const bool options = raw.method == "OPTIONS";
  const bool whole_server = parts.form == TargetParts::Form::kAsterisk ||
                            (options && absolute && parts.path.empty() && parts.query.empty());
  if (whole_server) {
    if (!options) return Refusal(400, "the target \"*\" is for OPTIONS alone");
    out.target = "*";
    out.normal_path.clear();
    return Refusal();
  }
  out.target.assign(parts.path.empty() ? std::string_view("/") : parts.path);
  if (!normalise_path(out.target, out.normal_path)) {
    return Refusal(400, "the path can be read in more than one way");
  }
  out.target += parts.query;
  return Refusal();
}

Refusal read_request_body(const RawHead& raw, const Seen& seen, RequestHead& out) {
  out.body = BodyKind::kNone;
  out.content_length = 0;
  if (seen.encodings != 0) {
    const auto refusal = check_encoding(raw, seen);
    if (refusal) return refusal;
    out.body = BodyKind::kChunked;
  } else if (seen.lengths > 1) {
    return Refusal(400, "more than one Content-Length");
  } else if (seen.lengths == 1) {
    if (!is_number(seen.length, out.content_length)) return Refusal(400, "a bad Content-Length");
    if (out.content_length != 0) out.body = BodyKind::kLength;
  }
  out.expect_continue = false;
  if (seen.expects != 0 && raw.minor_version == 1) {
    if (seen.expects > 1 || !equal_names(seen.expect, "100-continue")) {
      return Refusal(417, "only 100-continue can be expected");
    }
    out.expect_continue = out.body != BodyKind::kNone;
  }
  return Refusal();
}

// Only a WebSocket handshake as it must be asks for a tunnel (RFC 6455 4.1); everything else is a
// plain request, whose Upgrade goes no further.
bool asks_for_websocket(const RawHead& raw, const Seen& seen, const RequestHead& head) {
  return seen.connection_upgrade && seen.upgrades == 1 && equal_names(seen.upgrade, "websocket") &&
         raw.minor_version == 1 && head.method == "GET" && head.body == BodyKind::kNone &&
         head.target != "*" && head.fields.count(FieldName::kSecWebSocketKey) == 1;
}

Refusal check_switch(const Seen& seen, std::string_view asked) {
  if (asked.empty()) return Refusal(502, "101 without having been asked to switch protocols");
  const bool same =
      seen.connection_upgrade && seen.upgrades == 1 && equal_names(seen.upgrade, asked);
  return same ? Refusal() : Refusal(502, "101 to another protocol than the one asked for");
}

}  // namespace

Refusal read_request(const RawHead& raw, RequestHead& out, Persistence& persistence) {
  out.method.assign(raw.method);
  out.version = raw.minor_version == 0 ? Version::kHttp10 : Version::kHttp11;
  const auto seen = sort(raw, true, out.fields);
  persistence = persistence_of(raw, seen);
  out.upgrade.clear();
  auto refusal = read_target(raw, seen, out);
  if (!refusal) refusal = read_request_body(raw, seen, out);
  if (!refusal && asks_for_websocket(raw, seen, out)) out.upgrade = "websocket";
  return refusal;
}

Refusal read_response(const RawHead& raw, AskedFor asked, ResponseHead& out,
                      Persistence& persistence) {
  out.status = static_cast<std::uint16_t>(raw.status);
  const bool printable = std::none_of(raw.reason.begin(), raw.reason.end(), [](char c) {
    return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
  });
  out.reason.assign(printable ? raw.reason : std::string_view());
  const auto seen = sort(raw, false, out.fields);
  persistence = persistence_of(raw, seen);
  if (raw.status == 101) {
    const auto refusal = check_switch(seen, asked.upgrade);
    if (refusal) return refusal;
    persistence = Persistence::kClose;
  }
  std::uint64_t length = 0;
  if (seen.lengths > 1) return Refusal(502, "more than one Content-Length");
  if (seen.lengths == 1 && !is_number(seen.length, length)) {
    return Refusal(502, "a bad Content-Length");
  }
  if (seen.encodings != 0) {
    const auto refusal = check_encoding(raw, seen);
    if (refusal) return Refusal(502, refusal.why);
  }
  out.body = BodyKind::kNone;
  out.content_length = 0;
  out.announced_length.reset();
  if (asked.head || never_has_body(out.status)) {
    const bool announces = seen.lengths == 1 && out.status != 204 && out.status >= 200;
    if (announces) out.announced_length = length;
    // Who announces a body with 204 may well send one.
    if (out.status == 204 && (length != 0 || seen.encodings != 0))
      persistence = Persistence::kClose;
  } else if (seen.encodings != 0) {
    out.body = BodyKind::kChunked;
  } else if (seen.lengths == 1) {
    out.body = length == 0 ? BodyKind::kNone : BodyKind::kLength;
    out.content_length = length;
  } else {
    out.body = BodyKind::kUntilClose;
    persistence = Persistence::kClose;
  }
  return Refusal();
}

}  // namespace gatehouse::http
