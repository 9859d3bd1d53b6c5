#include "http/http2_body.h"

#include <algorithm>
#include <cstring>

namespace gatehouse::http {

void Http2Body::append(const base::Chunk& piece) {
  bytes_ += piece.size();
  if (piece.size() < kSlice) {
    copy(piece.bytes());
    return;
  }
  Piece whole;
  whole.slice = piece;
  pieces_.push_back(std::move(whole));
}

void Http2Body::copy(base::Bytes bytes) {
  while (!bytes.empty()) {
    if (!tail_ || tail_used_ == tail_->size()) {
      tail_ = pool_.acquire();
      tail_used_ = 0;
    }
    const auto n = std::min(bytes.size(), tail_->size() - tail_used_);
    std::memcpy(tail_->data() + tail_used_, bytes.data(), n);
    const bool goes_on =
        !pieces_.empty() && pieces_.back().block == tail_ && pieces_.back().end == tail_used_;
    if (goes_on) {
      pieces_.back().end += n;
    } else {
      Piece piece;
      piece.block = tail_;
      piece.begin = tail_used_;
      piece.end = tail_used_ + n;
      pieces_.push_back(std::move(piece));
    }
    tail_used_ += n;
    bytes = bytes.subspan(n);
  }
}

base::Chunk Http2Body::take() {
  if (pieces_.empty()) return {};
  auto first = std::move(pieces_.front());
  pieces_.pop_front();
  if (pieces_.empty()) tail_.reset();
  base::Chunk chunk = std::move(first.slice);
  if (first.block) {
    const base::Bytes bytes(first.block->data() + first.begin, first.end - first.begin);
    chunk = base::Chunk(std::move(first.block), bytes);
  }
  bytes_ -= chunk.size();
  return chunk;
}

void Http2Body::clear() {
  pieces_.clear();
  tail_.reset();
  bytes_ = 0;
}

}  // namespace gatehouse::http
