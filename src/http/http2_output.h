// Frames on their way out of an HTTP/2 session, collected until they are written together: frame
// heads as text in blocks of the loop's pool, bodies as slices of where they lie.
#pragma once

#include <vector>

#include "base/buffer.h"

namespace gatehouse::http {

class Http2Output {
 public:
  // Bodies smaller than this are copied behind their frame head: cheaper than a piece of their own.
  static constexpr std::size_t kCopied = 2 * 1024;

  explicit Http2Output(base::BufferPool& pool) : pool_(pool) {}

  bool empty() const { return bytes_ == 0; }
  std::size_t bytes() const { return bytes_; }
  void append(base::Bytes text);
  void append(base::Chunk body);
  // What there is, in order; valid until it is appended to or cleared.
  std::span<const base::Bytes> pieces() const { return pieces_; }
  void clear();

 private:
  base::BufferPool& pool_;
  std::vector<base::Bytes> pieces_;
  std::vector<base::Chunk> bodies_;      // that pieces_ lie in
  std::vector<base::BufferRef> blocks_;  // and these
  std::size_t used_ = 0;                 // of the last block
  bool grows_ = false;                   // the last piece ends where the last block is free
  std::size_t bytes_ = 0;
};

}  // namespace gatehouse::http
