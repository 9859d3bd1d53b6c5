// A server's handshake between its ClientHello and its certificate. For Transport and the
// callbacks of ServerContext alone.
#pragma once

#include <openssl/ssl.h>

#include "tls/client_auth.h"
#include "tls/transport.h"

namespace gatehouse::tls {

struct Transport::Suspended {
  ClientHello hello;
  CertificateRef certificate;
  const ClientAuth* client_auth = nullptr;
  std::string rejection;  // why the client's certificate is refused
  bool chosen = false;
  bool challenge = false;
};

// What BoringSSL calls back during a server's handshake.
class HelloCallbacks {
 public:
  // Sets the callbacks on a server's context; `options` must outlive it.
  static void install(SSL_CTX* context, const ServerOptions* options);
  // Ties a connection to its state.
  static void attach(SSL* ssl, Transport::Suspended* suspended);
  // Checks a client's certificate by the connection's ClientAuth.
  static ssl_verify_result_t verify_client(SSL* ssl, std::uint8_t* alert);

 private:
  static ssl_select_cert_result_t select_certificate(const SSL_CLIENT_HELLO* hello);
  static int select_alpn(SSL* ssl, const std::uint8_t** out, std::uint8_t* out_size,
                         const std::uint8_t* offered, unsigned offered_size, void* argument);
};

}  // namespace gatehouse::tls
