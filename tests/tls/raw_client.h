// A TLS client on a blocking socket, made with BoringSSL directly: it can ask for what our own
// never would, sees alerts, counts bytes and sends as few at a time as wanted.
#pragma once

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace gatehouse::tls {

struct RawOptions {
  std::string name = "a.example";
  std::string alpn;  // wire form: each name behind its length
  std::uint16_t lowest = TLS1_2_VERSION;
  std::uint16_t highest = TLS1_3_VERSION;
  std::string groups;
  std::string algorithms;  // of signatures
  std::string ciphers;     // of TLS 1.2
  std::size_t at_a_time = 16 * 1024;
  bool wants_staple = false;
  SSL_SESSION* session = nullptr;
};

class RawClient {
 public:
  // Takes `fd`, a connected blocking socket.
  RawClient(int fd, const RawOptions& options)
      : fd_(fd), at_a_time_(options.at_a_time), context_(SSL_CTX_new(TLS_method())) {
    SSL_CTX_set_min_proto_version(context_.get(), options.lowest);
    SSL_CTX_set_max_proto_version(context_.get(), options.highest);
    SSL_CTX_set_session_cache_mode(context_.get(), SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(context_.get(), &RawClient::keep_session);
    ssl_.reset(SSL_new(context_.get()));
    SSL_set_ex_data(ssl_.get(), index(), this);
    if (!options.name.empty()) SSL_set_tlsext_host_name(ssl_.get(), options.name.c_str());
    if (!options.groups.empty()) SSL_set1_curves_list(ssl_.get(), options.groups.c_str());
    if (!options.ciphers.empty()) SSL_set_cipher_list(ssl_.get(), options.ciphers.c_str());
    if (!options.algorithms.empty()) {
      SSL_set1_sigalgs_list(ssl_.get(), options.algorithms.c_str());
    }
    SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const std::uint8_t*>(options.alpn.data()),
                        static_cast<unsigned>(options.alpn.size()));
    if (options.wants_staple) SSL_enable_ocsp_stapling(ssl_.get());
    if (options.session != nullptr) SSL_set_session(ssl_.get(), options.session);
    SSL_set_connect_state(ssl_.get());
    in_ = BIO_new(BIO_s_mem());
    out_ = BIO_new(BIO_s_mem());
    BIO_set_mem_eof_return(in_, -1);
    SSL_set_bio(ssl_.get(), in_, out_);
    const timeval patience{30, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  }
  RawClient(const RawClient&) = delete;
  RawClient& operator=(const RawClient&) = delete;
  ~RawClient() { close(); }

  bool handshake() {
    return step([](SSL* ssl) { return SSL_do_handshake(ssl); }) == 1;
  }
  // What came, at most `most` bytes; empty at the end or on an error.
  std::string read(std::size_t most = 16 * 1024) {
    std::string text(most, '\0');
    const int got =
        step([&](SSL* ssl) { return SSL_read(ssl, text.data(), static_cast<int>(text.size())); });
    text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
    return text;
  }
  bool write(std::string_view text) {
    return step([&](SSL* ssl) {
             return SSL_write(ssl, text.data(), static_cast<int>(text.size()));
           }) > 0;
  }
  // The bytes of one record with `text` in it, not sent.
  std::string seal(std::string_view text) {
    SSL_write(ssl_.get(), text.data(), static_cast<int>(text.size()));
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
    BIO_mem_contents(out_, &data, &size);
    std::string sealed(reinterpret_cast<const char*>(data), size);
    BIO_reset(out_);
    return sealed;
  }
  bool send_raw(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto some = bytes.substr(0, at_a_time_);
      const auto sent = ::send(fd_, some.data(), some.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // close_notify, then FIN; what the server sends can still be read.
  void finish() {
    SSL_shutdown(ssl_.get());
    flush();
    ::shutdown(fd_, SHUT_WR);
  }
  // FIN alone.
  void finish_rudely() { ::shutdown(fd_, SHUT_WR); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

  int fd() const { return fd_; }
  int alert() const { return alert_; }   // the fatal alert that came, or 0
  bool ended() const { return ended_; }  // FIN came
  int end_error() const { return end_error_; }
  bool got_close_notify() const {
    return (SSL_get_shutdown(ssl_.get()) & SSL_RECEIVED_SHUTDOWN) != 0;
  }
  std::size_t received() const { return received_; }
  bool resumed() const { return SSL_session_reused(ssl_.get()) != 0; }
  std::string version() const { return SSL_get_version(ssl_.get()); }
  std::string alpn() const {
    const std::uint8_t* data = nullptr;
    unsigned size = 0;
    SSL_get0_alpn_selected(ssl_.get(), &data, &size);
    return std::string(reinterpret_cast<const char*>(data), size);
  }
  // The OCSP response that came with the certificate, or empty.
  std::string staple() const {
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
    SSL_get0_ocsp_response(ssl_.get(), &data, &size);
    return std::string(reinterpret_cast<const char*>(data), size);
  }
  bssl::UniquePtr<X509> peer() const {
    return bssl::UniquePtr<X509>(SSL_get_peer_certificate(ssl_.get()));
  }
  // The newest session that the server has given, or null.
  bssl::UniquePtr<SSL_SESSION> session() const { return bssl::UpRef(session_); }

 private:
  static int index() {
    static const int made = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, nullptr);
    return made;
  }
  static int keep_session(SSL* ssl, SSL_SESSION* session) {
    static_cast<RawClient*>(SSL_get_ex_data(ssl, index()))->session_.reset(session);
    return 1;
  }

  template <class Call>
  int step(Call call) {
    for (;;) {
      ERR_clear_error();
      const int status = call(ssl_.get());
      const int kind = SSL_get_error(ssl_.get(), status);
      const int reason = ERR_GET_REASON(ERR_peek_error());
      constexpr int kAlerts = 1000;  // SSL_AD_REASON_OFFSET
      if (kind == SSL_ERROR_SSL && reason >= kAlerts) alert_ = reason - kAlerts;
      if (!flush()) return -1;
      if (kind != SSL_ERROR_WANT_READ || !receive()) return status;
    }
  }
  bool flush() {
    const std::uint8_t* data = nullptr;
    std::size_t size = 0;
    BIO_mem_contents(out_, &data, &size);
    const bool sent = send_raw({reinterpret_cast<const char*>(data), size});
    BIO_reset(out_);
    return sent;
  }
  bool receive() {
    std::string bytes(at_a_time_, '\0');
    const auto got = ::recv(fd_, bytes.data(), bytes.size(), 0);
    if (got <= 0) {
      ended_ = got == 0;
      end_error_ = got < 0 ? errno : 0;
      return false;
    }
    received_ += static_cast<std::size_t>(got);
    BIO_write(in_, bytes.data(), static_cast<int>(got));
    return true;
  }

  int fd_;
  std::size_t at_a_time_;
  bssl::UniquePtr<SSL_CTX> context_;
  bssl::UniquePtr<SSL> ssl_;
  bssl::UniquePtr<SSL_SESSION> session_;
  BIO* in_ = nullptr;  // both owned by ssl_
  BIO* out_ = nullptr;
  std::size_t received_ = 0;
  int alert_ = 0;
  int end_error_ = 0;
  bool ended_ = false;
};

}  // namespace gatehouse::tls
