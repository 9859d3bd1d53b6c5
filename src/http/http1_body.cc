#include "http/http1_body.h"

#include <algorithm>

namespace gatehouse::http {

void Http1Body::begin(BodyKind kind, std::uint64_t length, std::uint64_t limit) {
  kind_ = kind;
  remaining_ = length;
  limit_ = limit;
  taken_ = 0;
  chunked_.begin(kind == BodyKind::kChunked);
  ended_ = kind == BodyKind::kNone || (kind == BodyKind::kLength && length == 0);
}

bool Http1Body::count(std::size_t n) {
  taken_ += n;
  return limit_ == 0 || taken_ <= limit_;
}

base::Result<base::Chunk> Http1Body::take(Inbox& inbox) {
  if (ended_ || inbox.empty()) return base::Chunk();
  if (kind_ == BodyKind::kChunked) return take_chunked(inbox);
  auto n = inbox.bytes().size();
  if (kind_ == BodyKind::kLength) {
    n = static_cast<std::size_t>(std::min<std::uint64_t>(n, remaining_));
    remaining_ -= n;
    ended_ = remaining_ == 0;
  }
  if (!count(n)) return base::fail(base::Code::kTooLarge, side_, "the body is too large");
  return inbox.take(n);
}

base::Result<base::Chunk> Http1Body::take_chunked(Inbox& inbox) {
  Http1Chunked::Decoded decoded;
  if (!chunked_.decode(inbox.mutable_bytes(), decoded)) {
    return base::fail(base::Code::kMalformed, side_,
                      "bad chunked body: " + std::string(chunked_.error()));
  }
  ended_ = decoded.ended;
  auto slice = decoded.data.empty() ? base::Chunk() : inbox.slice_of(decoded.data);
  inbox.consume(decoded.consumed);
  if (!count(slice.size()))
    return base::fail(base::Code::kTooLarge, side_, "the body is too large");
  return slice;
}

base::Result<void> Http1Body::end_of_input(bool clean) {
  if (kind_ == BodyKind::kUntilClose && clean) ended_ = true;
  if (ended_) return {};
  return base::fail(base::Code::kClosed, side_, "the connection ended in the middle of the body");
}

}  // namespace gatehouse::http
