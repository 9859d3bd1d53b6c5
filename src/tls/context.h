// TLS settings that connections share: one ServerContext for all listeners of the process, one
// ClientContext for each set of trust roots.
#pragma once

#include <openssl/base.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "tls/certificate.h"
#include "tls/session_tickets.h"

namespace gatehouse::tls {

struct ServerOptions {
  bool allow_tls12 = true;                    // else 1.3 only
  std::vector<std::string> alpn{"http/1.1"};  // in order of preference (RFC 7301)
};

// Immutable once made; any thread. Certificates are not in it: each connection brings its own.
class ServerContext {
 public:
  // `tickets` must outlive it. Error: kInternal.
  static base::Result<std::unique_ptr<ServerContext>> make(ServerOptions options,
                                                           SessionTickets& tickets);
  ~ServerContext();

  SSL_CTX* get() const { return context_.get(); }
  const ServerOptions& options() const { return options_; }

 private:
  ServerContext() = default;
  bssl::UniquePtr<SSL_CTX> context_;
  ServerOptions options_;
};

struct ClientOptions {
  bool system_roots = true;  // Debian's /etc/ssl/certs/ca-certificates.crt
  std::string ca_file;       // PEM file with further roots; empty for none
  std::vector<std::string> alpn{"http/1.1"};
  CertificateRef certificate;  // shown to servers that ask who we are; may be null
  bool insecure = false;       // any certificate is taken: whoever answers is believed
};

// Immutable once made; any thread.
class ClientContext {
 public:
  // Reads files: at start, or on a BlockingPool. Errors: kIo, kMalformed with the file's name;
  // kMalformed for a client certificate that cannot be used.
  static base::Result<std::unique_ptr<ClientContext>> make(ClientOptions options);
  ~ClientContext();

  SSL_CTX* get() const { return context_.get(); }

 private:
  ClientContext() = default;
  bssl::UniquePtr<SSL_CTX> context_;
};

}  // namespace gatehouse::tls
