// Heads as text. Everything is written anew from what was parsed: framing, Host and Connection are
// ours alone, and no value can begin a line of its own (RFC 9112 3, 4, 5).
#pragma once

#include <cstdint>
#include <string_view>

#include "http/message.h"

namespace gatehouse::http {

inline constexpr std::string_view kLineEnd = "\r\n";

// Date's value of now (IMF-fixdate, RFC 9110 5.6.7); made once a second on each thread, valid until
// that thread asks again.
std::string_view date_now();

// How a response leaves a connection.
struct ResponseFraming {
  BodyKind kind = BodyKind::kNone;  // of the body that follows the head
  bool says_length = false;         // Content-Length is written, with `length`
  std::uint64_t length = 0;
  bool close = false;            // the connection ends after it
  bool says_keep_alive = false;  // an HTTP/1.0 client must be told that it does not
};

// Decides it (RFC 9112 6.1, 6.3). `close` is what the connection wants.
ResponseFraming frame_response(const RequestHead& request, const ResponseHead& response,
                               bool close);

// The final head, with Date if there was none.
void append_response_head(base::Text& out, const ResponseHead& head,
                          const ResponseFraming& framing);

// A 1xx head.
void append_interim_head(base::Text& out, const ResponseHead& head);

// The 101 that opens the tunnel which `request` asked for. Sec-WebSocket-Accept is made when `head`
// has none: the upstream was asked over HTTP/2 (RFC 8441 5.1).
void append_switch_head(base::Text& out, const ResponseHead& head, const RequestHead& request);

// How the body of a request for an upstream is framed.
BodyKind frame_request(const RequestHead& head);

// A request for an upstream, always HTTP/1.1 and persistent. With `upgrade` it asks to switch.
void append_request_head(base::Text& out, const RequestHead& head);

// Field lines after a body; only those that may stand there.
void append_trailers(base::Text& out, const Fields& trailers);

}  // namespace gatehouse::http
