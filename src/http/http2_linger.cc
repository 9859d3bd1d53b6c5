#include "http/http2_linger.h"

#include <algorithm>

namespace gatehouse::http {

bool Http2Linger::add(std::int32_t id) {
  if (streams_.size() >= kMost) return false;
  streams_.push_back({id, 0, base::Clock::now() + kTime});
  return true;
}

bool Http2Linger::dropped(std::int32_t id, std::size_t size) {
  const auto found = std::ranges::find(streams_, id, &Stream::id);
  if (found == streams_.end()) return false;
  found->dropped += size;
  if (found->dropped <= kBytes) return false;
  streams_.erase(found);
  return true;
}

bool Http2Linger::remove(std::int32_t id) {
  return std::erase_if(streams_, [id](const Stream& one) { return one.id == id; }) != 0;
}

std::int32_t Http2Linger::take_late(base::TimePoint now) {
  if (streams_.empty() || now < streams_.front().until) return 0;
  const auto id = streams_.front().id;
  streams_.erase(streams_.begin());
  return id;
}

base::Deadline Http2Linger::deadline() const {
  return streams_.empty() ? base::Deadline() : base::Deadline(streams_.front().until);
}

}  // namespace gatehouse::http
