// A body on its way out on one HTTP/2 stream: what has been written and has not left yet.
#pragma once

#include "base/buffer.h"
#include "base/recycled_queue.h"
#include "http/http2_output.h"

namespace gatehouse::http {

class Http2OutBody {
 public:
  std::size_t bytes() const { return bytes_; }
  void append(base::Chunk chunk);
  // The first `size` bytes, of at least as many, leave.
  void take(std::size_t size, Http2Output& out);

 private:
  base::RecycledQueue<base::Chunk> chunks_;
  std::size_t bytes_ = 0;
};

}  // namespace gatehouse::http
