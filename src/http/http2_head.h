// Heads of HTTP/2 messages (RFC 9113 8.3): from decoded fields to checked heads, and back to lists
// that nghttp2 encodes. nghttp2 has checked names, values and pseudo-fields on the way in; what it
// lets through, and what only a proxy must mind, is checked here.
#pragma once

#include <nghttp2/nghttp2.h>

#include <cstdint>
#include <string_view>

#include "base/recycled.h"
#include "http/head_limits.h"
#include "http/message.h"
#include "http/refusal.h"

namespace gatehouse::http {

// The fields of a head while they are decoded. Counts all of them, keeps no more than the limits.
class Http2HeadFields {
 public:
  explicit Http2HeadFields(const HeadLimits& limits) : limits_(limits) {}

  void clear();
  // False once far more came than any honest peer sends: an HPACK bomb.
  bool add(std::string_view name, std::string_view value);
  // Whether it was within the limits.
  bool whole() const { return refusal_.status == 0; }
  const Refusal& refusal() const { return refusal_; }

  base::Text method, scheme, authority, path, protocol, status;
  Fields fields;      // neither pseudo-fields nor cookies
  base::Text cookie;  // its crumbs joined (RFC 9113 8.2.3)

 private:
  static constexpr std::size_t kBomb = 64;  // times the limit

  bool add_pseudo(std::string_view name, std::string_view value);

  HeadLimits limits_;
  std::size_t bytes_ = 0;
  std::size_t count_ = 0;
  Refusal refusal_;
};

// A request's head into `out`. `ended`: HEADERS carried END_STREAM. Extended CONNECT for a
// WebSocket becomes what it is in HTTP/1.1: a GET with `upgrade` (RFC 8441 5).
Refusal read_http2_request(Http2HeadFields& from, bool ended, RequestHead& out);

// A response's head into `out`. `to_head`: the request was HEAD. `tunnel`: it was an extended
// CONNECT, of which 2xx opens the tunnel and becomes 101 (RFC 8441 5).
Refusal read_http2_response(Http2HeadFields& from, bool ended, bool to_head, bool tunnel,
                            ResponseHead& out);

// The list that nghttp2 takes. Borrows from the head it was made of, and from itself.
class Http2Block {
 public:
  Http2Block();
  ~Http2Block();
  Http2Block(const Http2Block&) = delete;
  Http2Block& operator=(const Http2Block&) = delete;

  // A final or interim response. `says_length`: with Content-Length `length`.
  void response(const ResponseHead& head, bool says_length, std::uint64_t length);
  void request(const RequestHead& head, std::string_view scheme);
  // Only what may stand in trailers.
  void trailers(const Fields& fields);

  const nghttp2_nv* data() const;
  std::size_t size() const;

 private:
  void begin(const Fields& fields);
  // `value` outlives the block.
  void add(std::string_view name, std::string_view value);
  void add_field(const Field& field);
  void add_others(const Fields& fields);
  void add_others_of_tunnel(const Fields& fields);
  void add_number(std::string_view name, std::uint64_t number);

  base::RecycledList<nghttp2_nv> list_;
  base::Text names_;  // those that had to be made lower case; within what was reserved
  base::Text numbers_;
};

}  // namespace gatehouse::http
