#include "tls/wire.h"

#include <openssl/bio.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace gatehouse::tls {

namespace {

template <class Wire>
Wire* wire_of(BIO* bio) {
  return static_cast<Wire*>(BIO_get_data(bio));
}

}  // namespace

ssize_t Transport::Wire::receive(std::uint8_t* into, std::size_t size) {
  if (!has_read_ahead()) {
    if (has_all) {
      errno = last_error = EAGAIN;
      return -1;
    }
    if (!ahead && streams) ahead = pool.acquire_bulk();
    if (!ahead) ahead = pool.acquire();
    ssize_t got = 0;
    do {
      got = ::recv(fd, ahead->data(), ahead->size(), 0);
    } while (got < 0 && errno == EINTR);
    if (got <= 0) last_error = got < 0 ? errno : 0;
    streams = got == static_cast<ssize_t>(ahead->size());
    has_all = got > 0 ? !streams : would_block(last_error);
    if (got <= 0) {
      ahead.reset();
      errno = last_error;
      return got;
    }
    begin = 0;
    end = static_cast<std::size_t>(got);
  }
  const auto n = std::min(size, end - begin);
  std::memcpy(into, ahead->data() + begin, n);
  begin += n;
  if (begin == end) ahead.reset();
  return static_cast<ssize_t>(n);
}

ssize_t Transport::Wire::send(const std::uint8_t* from, std::size_t size) {
  if (out) {
    if (size > out->size() - out_end) {
      errno = EAGAIN;
      return -1;
    }
    std::memcpy(out->data() + out_end, from, size);
    out_end += size;
    return static_cast<ssize_t>(size);
  }
  ssize_t sent = 0;
  do {
    sent = ::send(fd, from, size, MSG_NOSIGNAL);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) last_error = errno;
  return sent;
}

bool Transport::Wire::send_collected() {
  while (has_collected()) {
    const auto sent = ::send(fd, out->data() + out_begin, out_end - out_begin, MSG_NOSIGNAL);
    if (sent >= 0) {
      out_begin += static_cast<std::size_t>(sent);
    } else if (errno != EINTR) {
      last_error = errno;
      return false;
    }
  }
  out_begin = out_end = 0;
  return true;
}

void Transport::Wire::stop_collecting() {
  out.reset();
  out_begin = out_end = 0;
}

bool Transport::Wire::has_record_ahead() const {
  constexpr std::size_t kHead = 5;
  if (end - begin < kHead) return false;
  const std::uint8_t* const head = ahead->data() + begin;
  const std::size_t length = std::size_t{head[3]} << 8 | head[4];
  return head[0] == SSL3_RT_APPLICATION_DATA && end - begin >= kHead + length;
}

bssl::UniquePtr<BIO> Transport::Wire::make_bio(Wire* wire) {
  static BIO_METHOD* const method = [] {
    auto* made = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "gatehouse socket");
    BIO_meth_set_read(made, [](BIO* bio, char* into, int size) -> int {
      BIO_clear_retry_flags(bio);
      const auto got = wire_of<Wire>(bio)->receive(reinterpret_cast<std::uint8_t*>(into),
                                                   static_cast<std::size_t>(size));
      if (got < 0 && would_block(errno)) BIO_set_retry_read(bio);
      return static_cast<int>(got);
    });
    BIO_meth_set_write(made, [](BIO* bio, const char* from, int size) -> int {
      BIO_clear_retry_flags(bio);
      const auto sent = wire_of<Wire>(bio)->send(reinterpret_cast<const std::uint8_t*>(from),
                                                 static_cast<std::size_t>(size));
      if (sent < 0 && would_block(errno)) BIO_set_retry_write(bio);
      return static_cast<int>(sent);
    });
    BIO_meth_set_ctrl(made, [](BIO*, int command, long, void*) -> long {
      return command == BIO_CTRL_FLUSH ? 1 : 0;
    });
    BIO_meth_set_create(made, [](BIO* bio) -> int {
      BIO_set_init(bio, 1);
      return 1;
    });
    return made;
  }();
  bssl::UniquePtr<BIO> bio(BIO_new(method));
  BIO_set_data(bio.get(), wire);
  return bio;
}

}  // namespace gatehouse::tls
