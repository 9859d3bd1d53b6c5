// What a site asks of its clients' certificates (RFC 8446 4.3.2, RFC 5246 7.4.4).
#pragma once

#include <openssl/base.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace gatehouse::tls {

// Immutable once loaded; any thread.
class ClientAuth {
 public:
  // Bytes of a client's Certificate message: what a stranger can make us keep during a handshake.
  static constexpr std::size_t kMostBytes = 32 * 1024;
  // Bytes of the roots' names that clients are told; they are told none when all are more.
  static constexpr std::size_t kMostNames = 16 * 1024;

  // `ca_file`: PEM; every certificate in it is trusted by itself, an intermediate or a leaf too.
  // `required`: a client without a certificate is refused. Reads the file: at start. Errors: kIo,
  // kMalformed with the file's name.
  static base::Result<std::unique_ptr<const ClientAuth>> load(const std::string& ca_file,
                                                              bool required);
  ~ClientAuth();

  // Makes a server's handshake ask for a certificate, and check it when it comes: its chain to the
  // roots, its dates, its purpose (clientAuth). No tickets are given and none is taken, so that
  // each connection is checked anew. In the callback of the ClientHello.
  bool install(SSL* ssl) const;
  // Why certificates are refused, and by which alert; 0 for those that hold.
  struct Verdict {
    std::uint8_t alert = 0;
    std::string reason;
  };
  // Of the certificates that the peer of `ssl` has sent, now.
  Verdict verify(const SSL* ssl) const;

 private:
  ClientAuth() = default;

  bool required_ = true;
  bssl::UniquePtr<X509_STORE> roots_;
  std::vector<bssl::UniquePtr<CRYPTO_BUFFER>> names_;  // DER of the roots' subjects
};

}  // namespace gatehouse::tls
