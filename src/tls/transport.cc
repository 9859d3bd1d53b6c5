#include "tls/transport.h"

#include <openssl/err.h>
#include <openssl/pool.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "tls/suspended.h"
#include "tls/wire.h"

namespace gatehouse::tls {

namespace {

constexpr std::size_t kMostPieces = 16;     // of one vectored write
constexpr std::size_t kRecord = 16 * 1024;  // plaintext bytes of the largest record

base::Error nothing_yet() { return base::Error(base::Code::kOverload, "nothing yet"); }

// What of a list of pieces is still to be written.
class Pieces {
 public:
  explicit Pieces(std::span<const base::Bytes> pieces) : pieces_(pieces) { skip(0); }

  // The first bytes, at most `most`, as far as they lie in one piece; none at the end.
  base::Bytes front(std::size_t most) const {
    if (pieces_.empty()) return {};
    const auto rest = pieces_.front().subspan(skipped_);
    return rest.first(std::min(most, rest.size()));
  }
  bool last() const { return pieces_.size() == 1; }
  bool more_than(std::size_t size) const {
    for (const auto& piece : pieces_) {
      if (piece.size() > size) return true;
      size -= piece.size();
    }
    return false;
  }
  void skip(std::size_t n) {
    skipped_ += n;
    while (!pieces_.empty() && skipped_ >= pieces_.front().size()) {
      skipped_ -= pieces_.front().size();
      pieces_ = pieces_.subspan(1);
    }
  }
  // Copies the first bytes into `room` and skips them.
  base::Bytes gather(base::MutableBytes room) {
    std::size_t filled = 0;
    while (filled < room.size() && !pieces_.empty()) {
      const auto part = front(room.size() - filled);
      std::copy(part.begin(), part.end(), room.begin() + static_cast<std::ptrdiff_t>(filled));
      filled += part.size();
      skip(part.size());
    }
    return room.first(filled);
  }
  std::span<iovec> fill(std::span<iovec> vector) const {
    const auto count = std::min(vector.size(), pieces_.size());
    for (std::size_t i = 0; i < count; ++i) {
      const auto piece = pieces_[i].subspan(i == 0 ? skipped_ : 0);
      vector[i].iov_base = const_cast<std::uint8_t*>(piece.data());
      vector[i].iov_len = piece.size();
    }
    return vector.first(count);
  }

 private:
  std::span<const base::Bytes> pieces_;
  std::size_t skipped_ = 0;  // bytes of the first piece that are gone
};

}  // namespace

Transport::Transport(base::Socket socket) : socket_(std::move(socket)) {}
Transport::Transport(Transport&&) noexcept = default;
Transport::~Transport() = default;

void Transport::start_tls(SSL_CTX* context) {
  wire_ = std::make_unique<Wire>(socket_.loop().buffers(), socket_.native());
  ssl_.reset(SSL_new(context));
  auto bio = Wire::make_bio(wire_.get());
  SSL_set0_rbio(ssl_.get(), bssl::UpRef(bio).release());
  SSL_set0_wbio(ssl_.get(), bio.release());
}

// --- reading ---

base::Result<std::size_t> Transport::try_read(base::MutableBytes into) {
  if (!socket_.is_open()) return base::fail(base::Code::kCancelled, "the connection was closed");
  wants_write_ = false;
  return ssl_ ? read_tls(into) : read_plain(into);
}

base::Result<std::size_t> Transport::read_plain(base::MutableBytes into) {
  for (;;) {
    const auto got = ::recv(socket_.native(), into.data(), into.size(), 0);
    if (got > 0) {
      const auto size = static_cast<std::size_t>(got);
      if (size < into.size()) socket_.read_all();
      return size;
    }
    if (got == 0) {
      clean_end_ = true;
      return 0;
    }
    if (would_block(errno)) {
      socket_.read_all();
      return base::fail(nothing_yet());
    }
    if (errno != EINTR) return base::fail(base::from_errno(errno, base::Side::kLocal, "read"));
  }
}

base::Result<std::size_t> Transport::read_tls(base::MutableBytes into) {
  ERR_clear_error();
  starved_ = wire_->has_all = false;
  const int size = static_cast<int>(std::min<std::size_t>(into.size(), 1 << 30));
  int got = SSL_read(ssl_.get(), into.data(), size);
  std::size_t total = 0;
  // A call reads one record. Of a large read-ahead take them all: what errs meanwhile errs again.
  while (got > 0) {
    total += static_cast<std::size_t>(got);
    if (!wire_->has_record_ahead() || into.size() - total < kRecord) break;
    got = SSL_read(ssl_.get(), into.data() + total, static_cast<int>(kRecord));
  }
  if (wire_->has_all) socket_.read_all();
  if (total > 0) return total;
  switch (SSL_get_error(ssl_.get(), got)) {
    case SSL_ERROR_WANT_READ: starved_ = true; return base::fail(nothing_yet());
    case SSL_ERROR_WANT_WRITE: wants_write_ = true; return base::fail(nothing_yet());
    case SSL_ERROR_ZERO_RETURN: clean_end_ = true; return 0;
    case SSL_ERROR_SYSCALL:
      if (wire_->last_error == 0) return 0;  // FIN without close_notify: clean_end_ stays false
      [[fallthrough]];
    default: return base::fail(tls_error(got, "read"));
  }
}

base::Task<base::Result<std::size_t>> Transport::read(base::MutableBytes into,
                                                      base::Deadline deadline) {
  for (;;) {
    // Who has read everything is told when there is more: no need to ask.
    if (may_read()) {
      auto got = try_read(into);
      if (got || got.error().code != base::Code::kOverload) co_return got;
    }
    base::Result<void> waited;
    if (wants_write_) {
      waited = co_await socket_.wait_writable(deadline);
    } else {
      waited = co_await socket_.wait_readable(deadline);
    }
    if (!waited) co_return base::fail(std::move(waited.error()));
  }
}

base::Task<base::Result<void>> Transport::wait_readable(base::Deadline deadline) {
  // Part of a record may be pending for long: then only more bytes help.
  if (!starved_ && has_pending()) return base::at_once(base::Result<void>());
  return socket_.wait_readable(deadline);
}

bool Transport::has_pending() const {
  return ssl_ && (SSL_has_pending(ssl_.get()) != 0 || wire_->has_read_ahead());
}

bool Transport::may_read() const { return wants_write_ || socket_.may_read() || has_pending(); }

bool Transport::is_quiet() const { return socket_.is_quiet() && !has_pending(); }

// --- writing ---

base::Task<base::Result<void>> Transport::write(std::span<const base::Bytes> pieces,
                                                base::Deadline deadline) {
  if (!socket_.is_open()) {
    base::Error closed(base::Code::kCancelled, "the connection was closed");
    return base::at_once<base::Result<void>>(base::fail(std::move(closed)));
  }
  return ssl_ ? write_tls(pieces, deadline) : write_plain(pieces, deadline);
}

base::Result<std::size_t> Transport::send(std::span<iovec> vector) {
  if (!socket_.is_open()) return base::fail(base::Code::kCancelled, "the connection was closed");
  msghdr message{};
  message.msg_iov = vector.data();
  message.msg_iovlen = vector.size();
  const int fd = socket_.native();
  for (;;) {
    // The kernel takes one piece with less ado.
    const auto sent = vector.size() == 1
                          ? ::send(fd, vector[0].iov_base, vector[0].iov_len, MSG_NOSIGNAL)
                          : ::sendmsg(fd, &message, MSG_NOSIGNAL);
    if (sent >= 0) return static_cast<std::size_t>(sent);
    if (would_block(errno)) return 0;
    if (errno != EINTR) return base::fail(base::from_errno(errno, base::Side::kLocal, "write"));
  }
}

base::Result<std::size_t> Transport::try_write(std::span<const base::Bytes> pieces) {
  if (ssl_) return 0;
  std::array<iovec, kMostPieces> vector;
  return send(Pieces(pieces).fill(vector));
}

// The kernel tells of room only when much of its memory is free: what the peer has acknowledged
// meanwhile says how fast it is. While we wait, nothing is added to that.
base::Task<base::Result<void>> Transport::wait_for_room(base::Deadline deadline) {
  socket_.wrote_all_it_took();
  auto left = socket_.unacknowledged();
  write_rate_.begin(base::Clock::now());
  for (;;) {
    const auto slow = write_rate_.deadline();
    auto waited = co_await socket_.wait_writable(deadline.min(slow));
    const auto now_left = socket_.unacknowledged();
    write_rate_.moved(left - std::min(left, now_left));
    left = now_left;
    write_rate_.end(base::Clock::now());
    const bool late = !waited && waited.error().code == base::Code::kTimeout;
    if (waited && !socket_.is_open()) {
      co_return base::fail(base::Code::kCancelled, "the connection was closed");
    }
    if (!late || deadline.passed()) co_return waited;
    if (write_rate_.deadline().passed()) {
      co_return base::fail(base::Code::kTimeout, "the other side reads too slowly");
    }
  }
}

base::Task<base::Result<void>> Transport::write_tls(std::span<const base::Bytes> pieces,
                                                    base::Deadline deadline) {
  base::BufferRef joined;
  Pieces left(pieces);
  if (left.more_than(kRecord)) wire_->collect();
  base::Result<void> written;
  while (written) {
    // Whole records straight from the caller's memory; what is smaller is joined first.
    base::Bytes record = left.front(kRecord);
    if (record.empty()) break;
    if (record.size() < kRecord && !left.last()) {
      if (!joined) joined = socket_.loop().buffers().acquire();
      record = left.gather(base::MutableBytes(joined->data(), kRecord));
    } else {
      left.skip(record.size());
    }
    written = co_await write_record(record, deadline);
  }
  if (written && wire_->has_collected()) written = co_await send_collected(deadline);
  wire_->stop_collecting();
  co_return written;
}

base::Task<base::Result<void>> Transport::send_collected(base::Deadline deadline) {
  while (!wire_->send_collected()) {
    if (!would_block(wire_->last_error)) {
      co_return base::fail(base::from_errno(wire_->last_error, base::Side::kLocal, "write"));
    }
    auto waited = co_await wait_for_room(deadline);
    if (!waited) co_return waited;
  }
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Transport::write_record(base::Bytes bytes, base::Deadline deadline) {
  while (!bytes.empty()) {
    if (!socket_.is_open()) {
      co_return base::fail(base::Code::kCancelled, "the connection was closed");
    }
    ERR_clear_error();
    const int put = SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()));
    if (put > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(put));
      continue;
    }
    base::Result<void> waited;
    switch (SSL_get_error(ssl_.get(), put)) {
      case SSL_ERROR_WANT_WRITE:
        if (wire_->has_collected()) {
          waited = co_await send_collected(deadline);
          break;
        }
        waited = co_await wait_for_room(deadline);
        break;
      case SSL_ERROR_WANT_READ:
        waited = co_await socket_.wait_readable(deadline);
        wire_->has_all = false;
        break;
      default: waited = base::fail(tls_error(put, "write")); break;
    }
    if (!waited) co_return waited;
  }
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Transport::write_plain(std::span<const base::Bytes> pieces,
                                                      base::Deadline deadline) {
  Pieces left(pieces);
  while (!left.front(1).empty()) {
    std::array<iovec, kMostPieces> vector;
    const auto sent = send(left.fill(vector));
    if (!sent) co_return base::fail(sent.error());
    left.skip(*sent);
    if (*sent != 0) continue;
    auto waited = co_await wait_for_room(deadline);
    if (!waited) co_return waited;
  }
  co_return base::Result<void>();
}

// --- ending ---

bool Transport::say_end() {
  // Once it is said, SSL_shutdown would read, and throw away what the peer still sends.
  if (said_end_ || SSL_in_init(ssl_.get())) return true;
  ERR_clear_error();
  const int status = SSL_shutdown(ssl_.get());
  said_end_ = status >= 0 || SSL_get_error(ssl_.get(), status) != SSL_ERROR_WANT_WRITE;
  return said_end_;
}

base::Task<void> Transport::shutdown_send(base::Deadline deadline) {
  while (ssl_ && socket_.is_open() && !say_end()) {
    auto waited = co_await socket_.wait_writable(deadline);
    if (!waited) break;
  }
  socket_.shutdown_send();
}

void Transport::abort() { socket_.close_with_reset(); }

void Transport::close() {
  if (!socket_.is_open()) return;
  if (ssl_) say_end();
  socket_.close();
}

// --- facts ---

std::string_view Transport::alpn() const {
  const std::uint8_t* data = nullptr;
  unsigned size = 0;
  if (ssl_) SSL_get0_alpn_selected(ssl_.get(), &data, &size);
  return base::as_text({data, size});
}

std::string_view Transport::version() const {
  return ssl_ && !SSL_in_init(ssl_.get()) ? SSL_get_version(ssl_.get()) : "";
}

std::string_view Transport::peer_certificate() const {
  const auto* sent = ssl_ ? SSL_get0_peer_certificates(ssl_.get()) : nullptr;
  if (sent == nullptr || sk_CRYPTO_BUFFER_num(sent) == 0) return {};
  const auto* leaf = sk_CRYPTO_BUFFER_value(sent, 0);
  return base::as_text({CRYPTO_BUFFER_data(leaf), CRYPTO_BUFFER_len(leaf)});
}

bool Transport::resumed() const { return ssl_ && SSL_session_reused(ssl_.get()) != 0; }

}  // namespace gatehouse::tls
