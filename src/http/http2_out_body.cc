#include "http/http2_out_body.h"

#include <algorithm>
#include <utility>

namespace gatehouse::http {

void Http2OutBody::append(base::Chunk chunk) {
  bytes_ += chunk.size();
  chunks_.push_back(std::move(chunk));
}

void Http2OutBody::take(std::size_t size, Http2Output& out) {
  bytes_ -= size;
  while (size != 0) {
    auto& first = chunks_.front();
    const auto n = std::min(size, first.size());
    base::Chunk part = first;
    part.keep_front(n);
    out.append(std::move(part));
    first.drop_front(n);
    if (first.empty()) chunks_.pop_front();
    size -= n;
  }
}

}  // namespace gatehouse::http
