// Heads of HTTP messages, whatever version carried them (RFC 9110 6).
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/recycled.h"
#include "http/fields.h"

namespace gatehouse::http {

enum class Version : std::uint8_t { kHttp10, kHttp11, kHttp2 };

// How the end of a body is known.
enum class BodyKind : std::uint8_t { kNone, kLength, kChunked, kUntilClose };

// A request as it was parsed. Framing and Host have been taken out of the fields: they are
// `body`, `content_length` and `authority`, and are written anew by who sends it on.
struct RequestHead {
  base::Text method;
  base::Text target;     // origin-form as received (raw path and query), "*" for OPTIONS *
  base::Text authority;  // host[:port] in lower case: of an absolute-form target, else Host
  // The path as routing, access rules and logs must see it: dot segments removed, unreserved
  // characters decoded (target.h). What is forwarded is `target`.
  base::Text normal_path;
  Version version = Version::kHttp11;
  Fields fields;  // without Host, Content-Length, Transfer-Encoding, Expect
  BodyKind body = BodyKind::kNone;
  std::uint64_t content_length = 0;  // with kLength
  bool expect_continue = false;      // the client waits for 100 (RFC 9110 10.1.1)
  // The protocol that a tunnel is asked for, in lower case ("websocket"): of Upgrade (RFC 9110
  // 7.8), or of :protocol (RFC 8441). Empty: none, or one that is never tunnelled.
  base::Text upgrade;

  // Forgets the texts and fields, and gives their memory back.
  void release();

  // Host without port and brackets.
  std::string_view host() const;
  std::string_view path() const;   // target up to "?"
  std::string_view query() const;  // after "?", without it
};

// A response. On the way in, framing is taken out of the fields as above. On the way out, `body`
// and `content_length` say what will follow; the connection decides how to frame it.
struct ResponseHead {
  std::uint16_t status = 200;
  base::Text reason;  // may be empty: the standard phrase is written
  Fields fields;      // without Content-Length, Transfer-Encoding
  BodyKind body = BodyKind::kNone;
  std::uint64_t content_length = 0;
  // Responses to HEAD and 304 name a length without having a body.
  std::optional<std::uint64_t> announced_length;
};

// Whether a response of that status has no body whatever its fields say (RFC 9110 6.4.1).
constexpr bool never_has_body(std::uint16_t status) {
  return status < 200 || status == 204 || status == 304;
}

// Whether a body of that Content-Type is no file but a conversation, in which silence is no fault:
// server-sent events, gRPC.
bool may_be_silent(const Fields& fields);

// The standard reason phrase ("Not Found"), or "Unknown".
std::string_view reason_phrase(std::uint16_t status);

}  // namespace gatehouse::http
