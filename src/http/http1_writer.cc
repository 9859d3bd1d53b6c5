#include "http/http1_writer.h"

#include <algorithm>
#include <charconv>
#include <span>

#include "http/serialise.h"

namespace gatehouse::http {

namespace {

constexpr std::string_view kLastChunk = "0\r\n\r\n";

base::Task<base::Result<void>> nothing() { return base::at_once(base::Result<void>()); }

base::Task<base::Result<void>> refuse(const char* why) {
  return base::at_once<base::Result<void>>(base::fail(base::Code::kInternal, why));
}

// Parts of what leaves in one system call, without those that are empty.
class Parts {
 public:
  Parts(std::initializer_list<base::Bytes> parts) {
    for (const auto part : parts) {
      if (!part.empty()) parts_[count_++] = part;
      bytes_ += part.size();
    }
  }
  std::size_t bytes() const { return bytes_; }
  std::span<const base::Bytes> all() const { return {parts_, count_}; }
  void drop_front(std::size_t bytes) {
    for (auto& part : parts_) {
      const auto dropped = std::min(bytes, part.size());
      part = part.subspan(dropped);
      bytes -= dropped;
    }
  }

 private:
  base::Bytes parts_[4];
  std::size_t count_ = 0;
  std::size_t bytes_ = 0;
};

// "1a2f\r\n" into `memory`; 16 digits at most.
base::Bytes chunk_head(std::array<char, 24>& memory, std::size_t size) {
  auto* end = std::to_chars(memory.data(), memory.data() + 16, size, 16).ptr;
  *end++ = '\r';
  *end++ = '\n';
  const auto length = static_cast<std::size_t>(end - memory.data());
  return base::as_bytes(std::string_view(memory.data(), length));
}

}  // namespace

Http1Writer::Http1Writer(tls::Transport& transport, base::Duration stall, base::Side side)
    : transport_(transport), stall_(stall), side_(side), turn_(transport.socket().loop()) {
  turn_.set();
}

base::Text& Http1Writer::begin(BodyKind kind, std::uint64_t length) {
  held_.clear();
  kind_ = kind;
  remaining_ = length;
  ended_ = interim_allowed_ = false;
  return held_;
}

void Http1Writer::release() {
  if (held_.empty()) base::release(held_);
}

base::Task<void> Http1Writer::wait_for_turn() {
  while (!turn_.is_set()) {
    auto waited = co_await turn_.wait(base::Deadline::never());
    (void)waited;
  }
  turn_.reset();
}

base::Error Http1Writer::failure(base::Error error) {
  failed_ = true;
  timed_out_ = error.code == base::Code::kTimeout;
  error.side = side_;
  const bool broke = error.code == base::Code::kReset || error.code == base::Code::kClosed;
  error.retry = broke ? retry_ : base::Retry::kNo;
  return error;
}

base::Task<base::Result<void>> Http1Writer::send(base::Bytes before, base::Chunk chunk,
                                                 base::Bytes after) {
  if (!turn_.is_set()) return send_rest(false, 0, before, std::move(chunk), after);
  const Parts parts{base::as_bytes(held_), before, chunk.bytes(), after};
  auto sent = transport_.try_write(parts.all());
  if (!sent) {
    held_.clear();
    return base::at_once<base::Result<void>>(base::fail(failure(std::move(sent.error()))));
  }
  if (*sent == parts.bytes()) return base::at_once(sent_all());
  turn_.reset();
  return send_rest(true, *sent, before, std::move(chunk), after);
}

base::Task<base::Result<void>> Http1Writer::send_rest(bool has_turn, std::size_t sent,
                                                      base::Bytes before, base::Chunk chunk,
                                                      base::Bytes after) {
  if (!has_turn) co_await wait_for_turn();
  Parts parts{base::as_bytes(held_), before, chunk.bytes(), after};
  parts.drop_front(sent);
  const auto deadline = base::Deadline::in(stall_).min(overall_);
  auto written = co_await transport_.write(parts.all(), deadline);
  turn_.set();
  if (written) co_return sent_all();
  held_.clear();
  co_return base::fail(failure(std::move(written.error())));
}

base::Result<void> Http1Writer::sent_all() {
  held_.clear();
  last_progress_ = transport_.socket().loop().turn_began();
  return {};
}

base::Task<base::Result<void>> Http1Writer::write_part(base::Chunk part) {
  if (kind_ == BodyKind::kChunked) {
    const auto head = chunk_head(chunk_head_, part.size());
    return send(head, std::move(part), base::as_bytes(kLineEnd));
  }
  if (kind_ == BodyKind::kLength) {
    if (part.size() > remaining_) return refuse("a body is longer than its head announced");
    remaining_ -= part.size();
  }
  return send(base::Bytes(), std::move(part), base::Bytes());
}

base::Task<base::Result<void>> Http1Writer::write_in_parts(base::Chunk chunk) {
  while (!chunk.empty()) {
    auto part = chunk;
    const auto size = std::min(chunk.size(), kPart);
    part.keep_front(size);
    chunk.drop_front(size);
    auto written = co_await write_part(std::move(part));
    if (!written) co_return written;
  }
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Http1Writer::write(base::Chunk chunk) {
  if (kind_ == BodyKind::kNone || chunk.empty()) return nothing();
  if (chunk.size() > kPart) return write_in_parts(std::move(chunk));
  return write_part(std::move(chunk));
}

base::Task<base::Result<void>> Http1Writer::flush() {
  if (held_.empty()) return nothing();
  return send(base::Bytes(), base::Chunk(), base::Bytes());
}

base::Task<base::Result<void>> Http1Writer::finish(const Fields& trailers) {
  if (ended_) return nothing();
  if (kind_ == BodyKind::kLength && remaining_ != 0) {
    return refuse("a body is shorter than its head announced");
  }
  ended_ = true;
  if (kind_ != BodyKind::kChunked) return flush();
  if (trailers.empty()) return send(base::as_bytes(kLastChunk), base::Chunk(), base::Bytes());
  // The head, if it is still here, goes before them as ever.
  held_ += "0\r\n";
  append_trailers(held_, trailers);
  held_ += kLineEnd;
  return flush();
}

base::Task<base::Result<void>> Http1Writer::write_interim(base::Text text) {
  co_await wait_for_turn();
  if (!interim_allowed_) {
    turn_.set();
    co_return base::Result<void>();
  }
  const base::Bytes piece = base::as_bytes(text);
  const std::span<const base::Bytes> all(&piece, 1);
  const auto deadline = base::Deadline::in(stall_).min(overall_);
  auto written = co_await transport_.write(all, deadline);
  turn_.set();
  if (!written) co_return base::fail(failure(std::move(written.error())));
  co_return base::Result<void>();
}

}  // namespace gatehouse::http
