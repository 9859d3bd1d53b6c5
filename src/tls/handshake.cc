// The handshakes of a Transport, on both sides.
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <sys/socket.h>

#include <cerrno>

#include "base/endpoint.h"
#include "tls/suspended.h"
#include "tls/transport.h"
#include "tls/wire.h"

namespace gatehouse::tls {

namespace {

constexpr std::size_t kMostDropped = 64 * 1024;  // bytes read and dropped behind an alert

std::string reason_of(std::uint32_t error) {
  const char* reason = ERR_reason_error_string(error);
  return reason == nullptr ? "unknown" : reason;
}

}  // namespace

base::Error Transport::tls_error(int status, const char* what) {
  const int kind = SSL_get_error(ssl_.get(), status);
  const auto queued = ERR_peek_error();
  const std::string doing = std::string("TLS ") + what;
  if (kind == SSL_ERROR_ZERO_RETURN || (kind == SSL_ERROR_SYSCALL && wire_->last_error == 0)) {
    return base::Error(base::Code::kClosed, doing + ": the peer has left");
  }
  if (kind == SSL_ERROR_SYSCALL) {
    return base::from_errno(wire_->last_error, base::Side::kLocal, doing);
  }
  const int reason = ERR_GET_REASON(queued);
  if (reason == SSL_R_HTTP_REQUEST || reason == SSL_R_HTTPS_PROXY_REQUEST) {
    return base::Error(base::Code::kMalformed, "a plain HTTP request on a TLS port");
  }
  std::string detail = doing + ": " + reason_of(queued);
  if (reason == SSL_R_CERTIFICATE_VERIFY_FAILED) {
    detail += ": ";
    detail += suspended_ ? suspended_->rejection
                         : X509_verify_cert_error_string(SSL_get_verify_result(ssl_.get()));
  }
  return base::Error(base::Code::kTls, std::move(detail));
}

base::Task<base::Result<void>> Transport::drive(int (*step)(SSL*), base::Deadline deadline,
                                                const char* what) {
  for (;;) {
    if (!socket_.is_open()) {
      co_return base::fail(base::Code::kCancelled, "the connection was closed");
    }
    ERR_clear_error();
    if (socket_.may_read()) wire_->has_all = false;
    const int status = step(ssl_.get());
    if (wire_->has_all) socket_.read_all();
    if (status == 1) co_return base::Result<void>();
    base::Result<void> waited;
    switch (SSL_get_error(ssl_.get(), status)) {
      case SSL_ERROR_WANT_READ: waited = co_await socket_.wait_readable(deadline); break;
      case SSL_ERROR_WANT_WRITE: waited = co_await socket_.wait_writable(deadline); break;
      case SSL_ERROR_PENDING_CERTIFICATE: co_return base::Result<void>();
      default: waited = base::fail(tls_error(status, what)); break;
    }
    if (!waited) co_return waited;
  }
}

base::Task<base::Result<ClientHello>> Transport::client_hello(ServerContext& context,
                                                              base::Deadline deadline) {
  start_tls(context.get());
  SSL_set_accept_state(ssl_.get());
  SSL_set_shed_handshake_config(ssl_.get(), 1);  // an idle connection keeps what it needs
  suspended_ = std::make_unique<Suspended>();
  HelloCallbacks::attach(ssl_.get(), suspended_.get());
  auto driven = co_await drive(&SSL_do_handshake, deadline, "hello");
  if (!driven) {
    if (driven.error().code == base::Code::kTls) end_after_alert();
    co_return base::fail(std::move(driven.error()));
  }
  server_name_ = suspended_->hello.server_name;
  co_return suspended_->hello;
}

base::Task<base::Result<void>> Transport::handshake(CertificateRef certificate, bool challenge,
                                                    base::Deadline deadline,
                                                    const ClientAuth* client_auth) {
  suspended_->client_auth = client_auth;
  suspended_->certificate = std::move(certificate);
  suspended_->challenge = challenge;
  suspended_->chosen = true;
  auto driven = co_await drive(&SSL_do_handshake, deadline, "handshake");
  if (driven) {
    HelloCallbacks::attach(ssl_.get(), nullptr);
    suspended_.reset();
  } else if (driven.error().code == base::Code::kTls) {
    end_after_alert();
  }
  co_return driven;
}

void Transport::end_after_alert() {
  if (!socket_.is_open()) return;
  // Bytes that nobody read would make close(), which follows, send RST, which can overtake the
  // alert.
  auto scratch = socket_.loop().buffers().acquire();
  for (std::size_t dropped = 0; dropped < kMostDropped;) {
    const auto got = ::recv(socket_.native(), scratch->data(), scratch->size(), MSG_DONTWAIT);
    if (got <= 0) break;
    dropped += static_cast<std::size_t>(got);
  }
}

base::Task<void> Transport::refuse(std::uint8_t alert, base::Deadline deadline) {
  if (!socket_.is_open() || !ssl_) co_return;
  for (;;) {
    ERR_clear_error();
    const int status = SSL_send_fatal_alert(ssl_.get(), alert);
    if (status > 0 || SSL_get_error(ssl_.get(), status) != SSL_ERROR_WANT_WRITE) break;
    auto waited = co_await socket_.wait_writable(deadline);
    if (!waited || !socket_.is_open()) break;
  }
  end_after_alert();
}

base::Task<base::Result<void>> Transport::connect_tls(ClientContext& context,
                                                      std::string server_name,
                                                      base::Deadline deadline) {
  start_tls(context.get());
  SSL_set_connect_state(ssl_.get());
  SSL_set_shed_handshake_config(ssl_.get(), 1);
  server_name_ = std::move(server_name);
  auto done = name_server();
  if (done) done = co_await drive(&SSL_do_handshake, deadline, "handshake");
  if (!done) {
    auto& error = done.error();
    error.detail = server_name_ + ": " + error.detail;
    error.side = base::Side::kUpstream;
    error.retry = base::Retry::kYes;
  }
  co_return done;
}

base::Result<void> Transport::name_server() {
  auto name = server_name_;
  if (name.size() > 1 && name.front() == '[' && name.back() == ']') {
    name = name.substr(1, name.size() - 2);
  }
  if (name.ends_with('.')) name.pop_back();  // SNI and certificates have none (RFC 6066 3)
  auto* checks = SSL_get0_param(ssl_.get());
  // RFC 9525 6.2: names stand in subjectAltName alone, whatever the subject says.
  X509_VERIFY_PARAM_set_hostflags(checks, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const bool named = base::is_ip_literal(name)
                         ? X509_VERIFY_PARAM_set1_ip_asc(checks, name.c_str()) == 1
                         : X509_VERIFY_PARAM_set1_host(checks, name.data(), name.size()) == 1 &&
                               SSL_set_tlsext_host_name(ssl_.get(), name.c_str()) == 1;
  if (named) return {};
  return base::fail(base::Code::kMalformed, "not a server name that TLS can check");
}

}  // namespace gatehouse::tls
