// A body on its way in on one HTTP/2 stream: what has come and nobody has read yet. The
// flow-control window bounds it; small pieces are put together, so that the memory stays near the
// window.
#pragma once

#include <cstdint>

#include "base/buffer.h"
#include "base/recycled_queue.h"

namespace gatehouse::http {

class Http2Body {
 public:
  // Smaller pieces are copied: a slice would keep a whole block of the connection's input alive.
  static constexpr std::size_t kSlice = 8 * 1024;

  explicit Http2Body(base::BufferPool& pool) : pool_(pool) {}

  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }

  // `piece` is a slice of the connection's input, or a view whose bytes are copied.
  void append(const base::Chunk& piece);
  // The first piece; nothing when empty.
  base::Chunk take();
  void clear();

 private:
  struct Piece {
    base::BufferRef block;  // null: `slice` it is
    std::size_t begin = 0;
    std::size_t end = 0;
    base::Chunk slice;
  };
  void copy(base::Bytes bytes);

  base::BufferPool& pool_;
  base::RecycledQueue<Piece> pieces_;
  base::BufferRef tail_;  // where copies go on
  std::size_t tail_used_ = 0;
  std::size_t bytes_ = 0;
};

}  // namespace gatehouse::http
