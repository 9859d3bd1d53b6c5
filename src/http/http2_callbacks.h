// What nghttp2 calls while it reads and writes for an Http2Session.
#pragma once

#include <cstdint>

#include "http/http2_head.h"

struct nghttp2_session;

namespace gatehouse::http {

class Http2Session;
class Http2Stream;

struct Http2Callbacks {
  // A session of nghttp2 that reports to `owner`.
  static nghttp2_session* make(Http2Session& owner);

  // Heads that are to be sent. `body`: frames of the stream's body follow; else the head ends it.
  // The final head of a response.
  static void submit_response(nghttp2_session* session, std::int32_t id, const Http2Block& head,
                              bool body);
  // A 1xx head.
  static void submit_interim(nghttp2_session* session, std::int32_t id, const Http2Block& head);
  // A request: opens a stream. Its id, or 0 when the connection can open none any more.
  static std::int32_t submit_request(nghttp2_session* session, Http2Stream& stream,
                                     const Http2Block& head, bool body);

 private:
  struct Receive;
  struct Send;
};

}  // namespace gatehouse::http
