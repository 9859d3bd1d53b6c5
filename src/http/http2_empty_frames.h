// DATA frames without a byte among what an HTTP/2 client sends, counted in the raw input: older
// versions of nghttp2 tell nobody of those that come for a stream that is over (RFC 9113 5.1).
#pragma once

#include <cstdint>

#include "base/buffer.h"

namespace gatehouse::http {

class Http2EmptyFrames {
 public:
  // The next piece of a connection's input, which begins with the preface (RFC 9113 3.4).
  void walk(base::Bytes piece);
  // Those whose heads have come whole.
  std::uint64_t count() const { return count_; }

 private:
  static constexpr std::size_t kPreface = 24;
  static constexpr std::size_t kHeadBehindType = 5;

  std::uint64_t count_ = 0;
  std::size_t skip_ = kPreface;  // bytes before the next frame's length
  std::uint32_t head_ = 0;       // length and type, as far as they have come
  std::uint8_t have_ = 0;        // bytes of them
  bool empty_ = false;           // what is skipped is the rest of such a frame's head
};

}  // namespace gatehouse::http
