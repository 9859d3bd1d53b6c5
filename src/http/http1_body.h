// A body on its way in over HTTP/1.1, whatever its framing: slices of the bytes that were received
// (RFC 9112 6). Does no I/O: who owns the connection reads into the inbox.
#pragma once

#include <cstdint>

#include "base/error.h"
#include "http/http1_chunked.h"
#include "http/inbox.h"
#include "http/message.h"

namespace gatehouse::http {

class Http1Body {
 public:
  // `side`: whose body it is, for errors.
  explicit Http1Body(base::Side side) : side_(side) {}

  // `limit`: bytes at most, 0 for no limit.
  void begin(BodyKind kind, std::uint64_t length, std::uint64_t limit);

  // Whether all of it has been taken.
  bool ended() const { return ended_; }
  // Bytes that are still to come; known with kLength only, else 0.
  std::uint64_t remaining() const { return kind_ == BodyKind::kLength ? remaining_ : 0; }
  BodyKind kind() const { return kind_; }

  // What of the body lies in `inbox`, as one slice; leaves there what comes after the body. Empty
  // when nothing does: more must be received, unless ended(). Errors: kMalformed, kTooLarge.
  base::Result<base::Chunk> take(Inbox& inbox);

  // The peer has ended its side. Error: kClosed when the body is cut. `clean`: the end was told,
  // not only met (TLS close_notify).
  base::Result<void> end_of_input(bool clean);

  const Fields& trailers() const { return chunked_.trailers(); }

 private:
  base::Result<base::Chunk> take_chunked(Inbox& inbox);
  bool count(std::size_t n);

  Http1Chunked chunked_;
  base::Side side_;
  BodyKind kind_ = BodyKind::kNone;
  bool ended_ = true;
  std::uint64_t remaining_ = 0;
  std::uint64_t limit_ = 0;
  std::uint64_t taken_ = 0;
};

}  // namespace gatehouse::http
