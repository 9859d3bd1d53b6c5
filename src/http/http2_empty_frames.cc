#include "http/http2_empty_frames.h"

#include <algorithm>
#include <utility>

namespace gatehouse::http {

void Http2EmptyFrames::walk(base::Bytes piece) {
  for (std::size_t at = 0;;) {
    const auto skipped = std::min(skip_, piece.size() - at);
    at += skipped;
    skip_ -= skipped;
    if (skip_ == 0 && std::exchange(empty_, false)) ++count_;
    if (at == piece.size()) return;
    head_ = head_ << 8 | piece[at++];
    if (++have_ < sizeof head_) continue;
    have_ = 0;
    empty_ = head_ == 0;  // no length, and DATA is type 0
    skip_ = kHeadBehindType + (head_ >> 8);
  }
}

}  // namespace gatehouse::http
