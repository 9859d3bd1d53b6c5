#include "http/http2_head.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "base/buffer.h"
#include "http/ascii.h"
#include "http/method.h"
#include "http/serialise.h"
#include "http/target.h"

namespace gatehouse::http {

namespace {

constexpr std::size_t kFieldCost = 32;  // RFC 9113 6.5.2

// nghttp2 has checked the digits and the range; those of a status are three.
bool read_number(std::string_view text, std::uint64_t& out) {
  const auto* end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, out);
  return parsed.ec == std::errc() && parsed.ptr == end;
}

// Takes Content-Length out of the fields; nothing when there is none.
std::optional<std::uint64_t> take_length(Fields& fields) {
  const auto said = fields.find(FieldName::kContentLength);
  std::uint64_t length = 0;
  if (!said || !read_number(*said, length)) return std::nullopt;
  fields.remove(FieldName::kContentLength);
  return length;
}

Refusal read_authority(Http2HeadFields& from, RequestHead& out) {
  const auto host = from.fields.find(FieldName::kHost);
  out.authority.clear();
  if (!from.authority.empty() && !normalise_authority(from.authority, out.authority)) {
    return Refusal(400, ":authority is invalid");
  }
  if (!host) {
    if (out.authority.empty()) return Refusal(400, ":authority is missing");
    return Refusal();
  }
  base::Text named;
  if (!normalise_authority(*host, named)) return Refusal(400, "Host is invalid");
  if (out.authority.empty()) out.authority = named;
  if (out.authority != named) return Refusal(400, "Host is not what :authority says");
  from.fields.remove(FieldName::kHost);
  return Refusal();
}

Refusal read_path(const Http2HeadFields& from, RequestHead& out) {
  TargetParts parts;
  if (!split_target(from.path, parts)) return Refusal(400, ":path is invalid");
  if (parts.form == TargetParts::Form::kAsterisk) {
    if (out.method != "OPTIONS") return Refusal(400, "the path \"*\" is for OPTIONS alone");
    out.target = "*";
    out.normal_path.clear();
    return Refusal();
  }
  if (parts.form != TargetParts::Form::kOrigin) return Refusal(400, ":path is invalid");
  if (!normalise_path(parts.path, out.normal_path)) {
    return Refusal(400, "the path can be read in more than one way");
  }
  out.target.assign(from.path);
  return Refusal();
}

Refusal read_method(const Http2HeadFields& from, RequestHead& out) {
  out.upgrade.clear();
  out.method.assign(from.method);
  if (from.protocol.empty()) return check_method(from.method);
  if (from.method != "CONNECT") return Refusal(400, ":protocol without CONNECT");
  if (from.protocol != "websocket") return Refusal(501, "a tunnel of an unknown protocol");
  out.method = "GET";
  out.upgrade = "websocket";
  return Refusal();
}

Refusal read_request_body(Http2HeadFields& from, bool ended, RequestHead& out) {
  const auto length = take_length(from.fields);
  out.body = BodyKind::kNone;
  out.content_length = 0;
  if (!ended && out.upgrade.empty()) {
    out.body = length ? BodyKind::kLength : BodyKind::kChunked;
    out.content_length = length.value_or(0);
    if (length && *length == 0) out.body = BodyKind::kNone;
  }
  out.expect_continue = false;
  const auto expect = from.fields.find(FieldName::kExpect);
  if (!expect) return Refusal();
  if (from.fields.count(FieldName::kExpect) > 1 || !equal_names(*expect, "100-continue")) {
    return Refusal(417, "only 100-continue can be expected");
  }
  from.fields.remove(FieldName::kExpect);
  out.expect_continue = out.body != BodyKind::kNone;
  return Refusal();
}

std::string_view lower_spelling(FieldName name) {
  static const auto kNames = [] {
    std::array<std::string, static_cast<std::size_t>(FieldName::kXRequestId) + 1> names;
    for (std::size_t i = 0; i < names.size(); ++i) {
      for (const char c : spelling(static_cast<FieldName>(i))) names[i] += lower(c);
    }
    return names;
  }();
  return kNames[static_cast<std::size_t>(name)];
}

}  // namespace

// --- fields as they are decoded ---

void Http2HeadFields::clear() {
  for (auto* text : {&method, &scheme, &authority, &path, &protocol, &status, &cookie}) {
    text->clear();
  }
  fields.clear();
  bytes_ = count_ = 0;
  refusal_ = Refusal();
}

bool Http2HeadFields::add_pseudo(std::string_view name, std::string_view value) {
  const auto put = [&](std::string_view known, base::Text& into) {
    if (name != known) return false;
    into.assign(value);
    return true;
  };
  return put(":method", method) || put(":scheme", scheme) || put(":authority", authority) ||
         put(":path", path) || put(":protocol", protocol) || put(":status", status);
}

bool Http2HeadFields::add(std::string_view name, std::string_view value) {
  bytes_ += name.size() + value.size() + kFieldCost;
  ++count_;
  if (bytes_ > limits_.head_bytes) {
    refusal_ = Refusal(431, "the head is too long");
  } else if (limits_.target_bytes != 0 && name == ":path" && value.size() > limits_.target_bytes) {
    refusal_ = Refusal(414, "the request target is too long");
  } else if (count_ > limits_.fields) {
    refusal_ = Refusal(431, "too many fields");
  }
  const bool bomb = bytes_ / kBomb > limits_.head_bytes;
  if (bomb || !whole()) return !bomb;
  if (name.starts_with(':')) {
    add_pseudo(name, value);
  } else if (name == "cookie") {
    if (!cookie.empty()) cookie += "; ";
    cookie += value;
  } else {
    fields.add(name, value);
  }
  return true;
}

// --- heads ---

Refusal read_http2_request(Http2HeadFields& from, bool ended, RequestHead& out) {
  if (!from.whole()) return from.refusal();
  auto refusal = read_method(from, out);
  if (!refusal && from.fields.has(FieldName::kHttp2Settings)) {
    refusal = Refusal(400, "HTTP2-Settings is of a connection's upgrade alone");
  }
  if (!refusal && from.scheme != "https" && from.scheme != "http") {
    refusal = Refusal(400, "the scheme is neither https nor http");
  }
  if (!refusal) refusal = read_authority(from, out);
  if (!refusal) refusal = read_path(from, out);
  if (!refusal) refusal = read_request_body(from, ended, out);
  if (refusal) return refusal;
  out.version = Version::kHttp2;
  out.fields = std::move(from.fields);
  if (!from.cookie.empty()) out.fields.add("cookie", from.cookie);
  return Refusal();
}

Refusal read_http2_response(Http2HeadFields& from, bool ended, bool to_head, bool tunnel,
                            ResponseHead& out) {
  if (!from.whole()) return Refusal(502, from.refusal().why);
  std::uint64_t status = 0;
  if (!read_number(from.status, status) || status < 100 || status == 101) {
    return Refusal(502, "a bad status");
  }
  out.status = static_cast<std::uint16_t>(status);
  out.reason.clear();
  const auto length = take_length(from.fields);
  const bool opens = tunnel && status >= 200 && status < 300;
  if (opens) out.status = 101;
  out.body = BodyKind::kNone;
  out.content_length = 0;
  out.announced_length.reset();
  if (to_head || never_has_body(out.status)) {
    if (status >= 200 && status != 204 && !opens) out.announced_length = length;
  } else if (!ended) {
    out.body = length ? BodyKind::kLength : BodyKind::kChunked;
    out.content_length = length.value_or(0);
    if (length && *length == 0) out.body = BodyKind::kNone;
  }
  out.fields = std::move(from.fields);
  if (!from.cookie.empty()) out.fields.add("cookie", from.cookie);
  return Refusal();
}

// --- lists for nghttp2 ---

Http2Block::Http2Block() = default;
Http2Block::~Http2Block() = default;
const nghttp2_nv* Http2Block::data() const { return list_.data(); }
std::size_t Http2Block::size() const { return list_.size(); }

void Http2Block::add(std::string_view name, std::string_view value) {
  nghttp2_nv field{};
  field.name = const_cast<std::uint8_t*>(base::as_bytes(name).data());
  field.namelen = name.size();
  field.value = const_cast<std::uint8_t*>(base::as_bytes(value).data());
  field.valuelen = value.size();
  list_.push_back(field);
}

void Http2Block::add_number(std::string_view name, std::uint64_t number) {
  char digits[20];
  const auto end = std::to_chars(digits, digits + sizeof digits, number).ptr;
  const auto begin = numbers_.size();
  numbers_.append(digits, end);
  add(name, std::string_view(numbers_).substr(begin));
}

void Http2Block::begin(const Fields& fields) {
  std::size_t bytes = 0;
  for (const auto& field : fields) bytes += field.name.size();
  names_.clear();
  names_.reserve(bytes);
  numbers_.clear();
  numbers_.reserve(2 * 20);
  list_.clear();
  list_.reserve(fields.size() + 8);
}

// Names are lower case in HTTP/2 (RFC 9113 8.2.1).
void Http2Block::add_field(const Field& field) {
  if (field.known != FieldName::kOther) return add(lower_spelling(field.known), field.value);
  const auto begin = names_.size();
  const auto size = begin + field.name.size();
  names_.resize_and_overwrite(size, [&](char* text, std::size_t) {
    std::transform(field.name.begin(), field.name.end(), text + begin,
                   [](char c) { return lower(c); });
    return size;
  });
  add(std::string_view(names_).substr(begin), field.value);
}

void Http2Block::add_others(const Fields& fields) {
  for (const auto& field : fields) {
    if (!kFieldsOfConnection.contains(field.known)) add_field(field);
  }
}

// Of HTTP/1.1's handshake alone (RFC 8441 5).
void Http2Block::add_others_of_tunnel(const Fields& fields) {
  for (const auto& field : fields) {
    const bool key = field.known == FieldName::kSecWebSocketKey;
    if (!key && !kFieldsOfConnection.contains(field.known)) add_field(field);
  }
}

void Http2Block::response(const ResponseHead& head, bool says_length, std::uint64_t length) {
  begin(head.fields);
  add_number(":status", head.status);
  add_others(head.fields);
  if (head.status >= 200 && !head.fields.has(FieldName::kDate)) add("date", date_now());
  if (says_length) add_number("content-length", length);
}

void Http2Block::request(const RequestHead& head, std::string_view scheme) {
  begin(head.fields);
  const bool tunnel = !head.upgrade.empty();
  add(":method", tunnel ? std::string_view("CONNECT") : std::string_view(head.method));
  add(":scheme", scheme);
  if (!head.authority.empty()) add(":authority", head.authority);
  add(":path", head.target);
  if (tunnel) {
    add(":protocol", head.upgrade);
    add_others_of_tunnel(head.fields);
  } else {
    add_others(head.fields);
  }
  if (head.fields.has_token(FieldName::kTe, "trailers")) add("te", "trailers");
  if (head.expect_continue) add("expect", "100-continue");
  if (head.body == BodyKind::kLength) add_number("content-length", head.content_length);
}

void Http2Block::trailers(const Fields& fields) {
  begin(fields);
  for (const auto& field : fields) {
    if (may_be_trailer(field.name)) add_field(field);
  }
}

}  // namespace gatehouse::http
