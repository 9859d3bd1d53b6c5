#include "connection.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace gatehouse::bench {
namespace {

// Bytes of a body, and what is written of it at once.
constexpr std::array<char, 64 * 1024> kBody{};

// TLS_AES_128_GCM_SHA256, which BoringSSL offers first; whoever takes another does other work.
constexpr std::uint16_t kCipher = 0x1301;

}  // namespace

bool Connection::fail(std::string why) {
  state_ = State::kFailed;
  why_ = std::move(why);
  return false;
}

void Connection::open(bssl::UniquePtr<SSL_SESSION> session) {
  refused_ = false;
  fd_ = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) bench::fail("socket");
  const int on = 1;
  ::setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(target_.options().port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  state_ = State::kConnecting;
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0 &&
      errno != EINPROGRESS) {
    fail(std::string("connect: ") + std::strerror(errno));
  }
  poller_.add(fd_, this);
  if (target_.tls() == nullptr) return;
  ssl_.reset(SSL_new(target_.tls()));
  SSL_set_fd(ssl_.get(), fd_);
  SSL_set_connect_state(ssl_.get());
  SSL_set_tlsext_host_name(ssl_.get(), target_.options().host.c_str());
  if (session) SSL_set_session(ssl_.get(), session.get());
}

void Connection::request(std::string_view head, std::uint64_t body_bytes) {
  head_ = head;
  sent_ = 0;
  body_left_ = body_bytes;
  state_ = State::kSending;
}

Connection::State Connection::advance() {
  bool more = true;
  while (more) {
    switch (state_) {
      case State::kConnecting: more = connect_step(); break;
      case State::kHandshaking: more = handshake_step(); break;
      case State::kSending: more = send_step(); break;
      case State::kReceiving: more = receive_step(); break;
      default: more = false;
    }
  }
  return state_;
}

bool Connection::connect_step() {
  int error = 0;
  socklen_t size = sizeof error;
  ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &error, &size);
  if (error != 0) return fail(std::string("connect: ") + std::strerror(error));
  tcp_info info{};
  size = sizeof info;
  ::getsockopt(fd_, IPPROTO_TCP, TCP_INFO, &info, &size);
  if (info.tcpi_state == TCP_SYN_SENT) return false;
  state_ = ssl_ ? State::kHandshaking : State::kOpen;
  return true;
}

bool Connection::handshake_step() {
  ERR_clear_error();
  const int status = SSL_do_handshake(ssl_.get());
  if (status == 1) {
    state_ = State::kOpen;
    const auto cipher = SSL_CIPHER_get_protocol_id(SSL_get_current_cipher(ssl_.get()));
    return cipher != kCipher && fail("other TLS than AES-128-GCM");
  }
  const int error = SSL_get_error(ssl_.get(), status);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return false;
  const auto code = ERR_peek_error();
  const char* reason = ERR_reason_error_string(code);
  // An alert that came has 1000 and its number for a reason (openssl/ssl.h).
  refused_ = ERR_GET_LIB(code) == ERR_LIB_SSL && ERR_GET_REASON(code) >= 1000;
  return fail(std::string("handshake: ") + (reason ? reason : "closed"));
}

std::size_t Connection::moved(long count, const char* what) {
  if (count > 0) return static_cast<std::size_t>(count);
  if (ssl_) {
    const int error = SSL_get_error(ssl_.get(), static_cast<int>(count));
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return 0;
  } else if (count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
    return 0;
  }
  fail(std::string(what) + (count == 0 ? ": closed by the proxy" : ": broken"));
  return 0;
}

std::size_t Connection::write(std::string_view bytes) {
  return moved(ssl_ ? SSL_write(ssl_.get(), bytes.data(), static_cast<int>(bytes.size()))
                    : ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL),
               "write");
}

std::size_t Connection::read(char* into, std::size_t size) {
  return moved(
      ssl_ ? SSL_read(ssl_.get(), into, static_cast<int>(size)) : ::recv(fd_, into, size, 0),
      "read");
}

bool Connection::send_step() {
  if (sent_ < head_.size()) {
    const auto n = write(std::string_view(head_).substr(sent_));
    sent_ += n;
    return n > 0;
  }
  if (body_left_ > 0) {
    const auto size = std::min<std::uint64_t>(body_left_, kBody.size());
    const auto n = write(std::string_view(kBody.data(), size));
    body_left_ -= n;
    return n > 0;
  }
  head_.clear();
  in_body_ = false;
  state_ = State::kReceiving;
  return true;
}

bool Connection::receive_step() {
  std::array<char, 64 * 1024> buffer;
  const auto n = read(buffer.data(), buffer.size());
  return n > 0 && take(std::string_view(buffer.data(), n));
}

// Whether the response goes on.
bool Connection::take(std::string_view input) {
  if (!in_body_) {
    const auto before = head_.size();
    head_.append(input);
    const auto end = head_.find("\r\n\r\n");
    if (end == head_.npos) return head_.size() < 32 * 1024 || fail("a head without an end");
    input.remove_prefix(end + 4 - before);
    head_.resize(end + 2);
    if (!read_head()) return false;
    in_body_ = true;
  }
  if (input.size() > body_left_) return fail("more than the response's Content-Length");
  body_left_ -= input.size();
  if (body_left_ == 0) state_ = State::kOpen;
  return body_left_ > 0;
}

bool Connection::read_head() {
  if (head_.substr(0, 12) != "HTTP/1.1 200") return fail("answered: " + head_.substr(0, 40));
  const char* field = ::strcasestr(head_.c_str(), "\r\nContent-Length:");
  if (field == nullptr) return fail("a response without Content-Length");
  body_left_ = std::strtoull(field + std::strlen("\r\nContent-Length:"), nullptr, 10);
  return true;
}

void Connection::close() {
  if (fd_ < 0) return;
  if (ssl_ && state_ != State::kFailed) SSL_shutdown(ssl_.get());
  ssl_.reset();
  ::close(fd_);
  fd_ = -1;
  state_ = State::kClosed;
}

}  // namespace gatehouse::bench
