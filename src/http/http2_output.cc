#include "http/http2_output.h"

#include <algorithm>
#include <cstring>

namespace gatehouse::http {

void Http2Output::append(base::Bytes text) {
  while (!text.empty()) {
    if (blocks_.empty() || used_ == blocks_.back()->size()) {
      blocks_.push_back(pool_.acquire());
      used_ = 0;
      grows_ = false;
    }
    auto* const to = blocks_.back()->data() + used_;
    const auto n = std::min(text.size(), blocks_.back()->size() - used_);
    std::memcpy(to, text.data(), n);
    if (grows_) {
      pieces_.back() = base::Bytes(pieces_.back().data(), pieces_.back().size() + n);
    } else {
      pieces_.emplace_back(to, n);
      grows_ = true;
    }
    used_ += n;
    bytes_ += n;
    text = text.subspan(n);
  }
}

void Http2Output::append(base::Chunk body) {
  if (body.size() < kCopied) {
    append(body.bytes());
    return;
  }
  bytes_ += body.size();
  pieces_.push_back(body.bytes());
  bodies_.push_back(std::move(body));
  grows_ = false;
}

void Http2Output::clear() {
  pieces_.clear();
  bodies_.clear();
  blocks_.clear();
  used_ = bytes_ = 0;
  grows_ = false;
}

}  // namespace gatehouse::http
