#include "http/http2_last_words.h"

#include <algorithm>
#include <utility>

namespace gatehouse::http {

namespace {

constexpr auto id_of = [](const auto& one) { return one.reset.stream; };

}  // namespace

bool Http2LastWords::add(Reset reset, Http2OutBody body, std::size_t most) {
  if (streams_.size() >= kMost) return false;
  const auto left = std::min(body.bytes(), most);
  streams_.push_back({reset, std::move(body), left});
  return true;
}

std::size_t Http2LastWords::offer(std::int32_t stream, std::size_t most) const {
  const auto found = std::ranges::find(streams_, stream, id_of);
  return found == streams_.end() ? 0 : std::min(found->left, most);
}

std::optional<Http2LastWords::Reset> Http2LastWords::take(std::int32_t stream, std::size_t size,
                                                          Http2Output& out) {
  const auto found = std::ranges::find(streams_, stream, id_of);
  if (found == streams_.end()) return std::nullopt;
  found->body.take(size, out);
  found->left -= size;
  if (found->left != 0) return std::nullopt;
  const auto reset = found->reset;
  streams_.erase(found);
  return reset;
}

void Http2LastWords::remove(std::int32_t stream) {
  std::erase_if(streams_, [stream](const auto& one) { return one.reset.stream == stream; });
}

std::optional<Http2LastWords::Reset> Http2LastWords::cut_short() {
  if (streams_.empty()) return std::nullopt;
  const auto reset = streams_.back().reset;
  streams_.pop_back();
  return reset;
}

}  // namespace gatehouse::http
