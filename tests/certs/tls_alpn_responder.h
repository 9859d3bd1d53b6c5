// A TLS listener that answers tls-alpn-01 from a ChallengeStore and nothing else (RFC 8737).
#pragma once

#include <openssl/pool.h>
#include <openssl/ssl.h>

#include <cstring>
#include <string>
#include <thread>
#include <vector>

#include "certs/challenge_store.h"
#include "tests/certs/child_process.h"

namespace gatehouse::certs {

class TlsAlpnResponder {
 public:
  explicit TlsAlpnResponder(const ChallengeStore& store)
      : store_(store), context_(SSL_CTX_new(TLS_with_buffers_method())), port_(free_port()) {
    SSL_CTX_set_alpn_select_cb(context_.get(), select_alpn, nullptr);
    SSL_CTX_set_cert_cb(context_.get(), select_certificate, this);
    listener_ = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    at.sin_port = htons(static_cast<std::uint16_t>(port_));
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 ||
        ::listen(listener_, 16) != 0) {
      throw std::runtime_error("the port is taken");
    }
    acceptor_ = std::thread([this] {
      int fd;
      while ((fd = ::accept(listener_, nullptr, nullptr)) >= 0) answer(fd);
    });
  }
  ~TlsAlpnResponder() {
    ::shutdown(listener_, SHUT_RDWR);
    acceptor_.join();
    ::close(listener_);
  }
  TlsAlpnResponder(const TlsAlpnResponder&) = delete;
  TlsAlpnResponder& operator=(const TlsAlpnResponder&) = delete;

  int port() const { return port_; }

 private:
  void answer(int fd) {
    const timeval limit{5, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    const bssl::UniquePtr<SSL> ssl(SSL_new(context_.get()));
    SSL_set_fd(ssl.get(), fd);
    if (SSL_accept(ssl.get()) == 1) SSL_shutdown(ssl.get());
    ::close(fd);
  }

  static int select_alpn(SSL*, const std::uint8_t** out, std::uint8_t* out_length,
                         const std::uint8_t* in, unsigned in_length, void*) {
    static constexpr std::uint8_t kOnly[] =
        "\x0a"
        "acme-tls/1";
    if (in_length != 11 || std::memcmp(in, kOnly, 11) != 0) return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = in + 1;
    *out_length = 10;
    return SSL_TLSEXT_ERR_OK;
  }

  static int select_certificate(SSL* ssl, void* self) {
    const char* name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    if (name == nullptr) return 0;
    const auto certificate = static_cast<TlsAlpnResponder*>(self)->store_.find_tls_alpn(name);
    if (!certificate) return 0;
    std::vector<CRYPTO_BUFFER*> chain;
    for (const auto& block : certificate->chain()) chain.push_back(block.get());
    return SSL_set_chain_and_key(ssl, chain.data(), chain.size(), certificate->key().get(),
                                 nullptr);
  }

  const ChallengeStore& store_;
  bssl::UniquePtr<SSL_CTX> context_;
  int port_;
  int listener_ = -1;
  std::thread acceptor_;
};

}  // namespace gatehouse::certs
