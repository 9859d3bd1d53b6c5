// A connection's bytes, with or without TLS: one type, one branch. On the server side the
// ClientHello is read first and the handshake waits until a certificate has been chosen.
#pragma once

#include <openssl/base.h>
#include <sys/uio.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "base/least_rate.h"
#include "base/socket.h"
#include "tls/certificate.h"
#include "tls/client_auth.h"
#include "tls/client_hello.h"
#include "tls/context.h"

namespace gatehouse::tls {

// Owned by one connection; at most one task reads and one writes at a time. Spans given to it must
// stay until the call's await has ended. Movable while no call is under way.
class Transport {
 public:
  // Plain until client_hello() or connect_tls(). The socket is connected and non-blocking.
  explicit Transport(base::Socket socket);
  Transport(Transport&&) noexcept;
  Transport& operator=(Transport&&) = delete;
  ~Transport();

  // --- server side (RFC 8446), in this order ---

  // Reads the ClientHello and stops before a certificate is needed. Errors: kTls (bad hello or no
  // version in common: the alert has been sent), kMalformed when plain HTTP came instead of TLS
  // (nothing has been sent), kTimeout, kClosed, kReset.
  base::Task<base::Result<ClientHello>> client_hello(ServerContext& context,
                                                     base::Deadline deadline);
  // Goes on with `certificate`. `challenge`: "acme-tls/1" is negotiated and nothing else
  // (RFC 8737); without it, that protocol never is. `client_auth`: what is asked of the client's
  // certificate, null for nothing; outlives the call. Errors as above, and kTls for a client that
  // does not meet it.
  base::Task<base::Result<void>> handshake(CertificateRef certificate, bool challenge,
                                           base::Deadline deadline,
                                           const ClientAuth* client_auth = nullptr);
  // Ends a handshake that waits with this fatal alert (RFC 8446 6.2), e.g. 112 unrecognized_name.
  // The connection is good for nothing but close() afterwards.
  base::Task<void> refuse(std::uint8_t alert, base::Deadline deadline);

  // --- client side ---

  // TLS to a server that must prove to be `server_name` (a DNS name, sent as SNI, or an IP
  // address; RFC 9525). Errors: kTls naming what does not fit, kTimeout, kClosed, kReset; all
  // with Retry::kYes, since no request was sent.
  base::Task<base::Result<void>> connect_tls(ClientContext& context, std::string server_name,
                                             base::Deadline deadline);

  // --- bytes ---

  // At least one byte, or 0 at the end of what the peer sends (close_notify or FIN; see
  // clean_end()). Errors: kReset, kTimeout, kCancelled, kTls; whose fault it is (side) is for the
  // caller to add.
  base::Task<base::Result<std::size_t>> read(base::MutableBytes into, base::Deadline deadline);
  // The same without waiting: kOverload when nothing is there yet.
  base::Result<std::size_t> try_read(base::MutableBytes into);
  // Returns when a read may succeed at once; holds no buffer meanwhile. Idle connections wait here.
  base::Task<base::Result<void>> wait_readable(base::Deadline deadline);
  // Whether nothing that was not read has come, as far as the loop has been told. Costs no call.
  bool is_quiet() const;
  // Writes without waiting: what the kernel takes of the pieces at once. Always 0 with TLS. Errors:
  // as read().
  base::Result<std::size_t> try_write(std::span<const base::Bytes> pieces);
  // Writes all pieces in order; small ones leave together, in one system call and one TLS record.
  base::Task<base::Result<void>> write(std::span<const base::Bytes> pieces,
                                       base::Deadline deadline);
  // From now on a write ends with kTimeout too when the peer takes less than this while room is
  // waited for; counted anew.
  void limit_writes(const base::LeastRate& rate) { write_rate_ = rate; }
  // Says that nothing more comes (close_notify and FIN); reading goes on. Waits only while the
  // socket has no room for the close_notify.
  base::Task<void> shutdown_send(base::Deadline deadline);
  // Closes so that a cut message cannot look whole: RST, and no close_notify.
  void abort();
  // Closes in an orderly way (close_notify where there is room for it). Wakes whoever waits.
  void close();

  base::Socket& socket() { return socket_; }
  bool is_tls() const { return ssl_ != nullptr; }
  // After read() gave 0: false when a TLS peer sent FIN without close_notify, so that a body that
  // ends with the connection may have been cut.
  bool clean_end() const { return clean_end_; }
  std::string_view alpn() const;
  std::string_view version() const;  // "TLSv1.3", "TLSv1.2"; empty without TLS
  const std::string& server_name() const { return server_name_; }
  bool resumed() const;
  // DER of the certificate that the other side has shown, which has been verified unless this side
  // wants any; empty without one.
  std::string_view peer_certificate() const;

 private:
  friend class HelloCallbacks;
  struct Wire;       // what BoringSSL reads from and writes to
  struct Suspended;  // a server's handshake before its certificate

  base::Task<base::Result<void>> drive(int (*step)(SSL*), base::Deadline deadline,
                                       const char* what);
  bool has_pending() const;  // bytes that are here already
  bool may_read() const;
  base::Result<std::size_t> read_plain(base::MutableBytes into);
  base::Result<std::size_t> read_tls(base::MutableBytes into);
  base::Result<std::size_t> send(std::span<iovec> vector);
  base::Task<base::Result<void>> write_plain(std::span<const base::Bytes> pieces,
                                             base::Deadline deadline);
  base::Task<base::Result<void>> write_tls(std::span<const base::Bytes> pieces,
                                           base::Deadline deadline);
  base::Task<base::Result<void>> write_record(base::Bytes bytes, base::Deadline deadline);
  base::Task<base::Result<void>> send_collected(base::Deadline deadline);
  base::Task<base::Result<void>> wait_for_room(base::Deadline deadline);
  void start_tls(SSL_CTX* context);
  base::Result<void> name_server();  // what a client asks for and checks
  bool say_end();                    // close_notify; false when it has to wait for room
  void end_after_alert();            // so that close() sends FIN and not RST
  base::Error tls_error(int status, const char* what);

  base::Socket socket_;
  std::unique_ptr<Wire> wire_;
  bssl::UniquePtr<SSL> ssl_;
  std::unique_ptr<Suspended> suspended_;
  std::string server_name_;
  base::LeastRate write_rate_;
  bool wants_write_ = false;  // what the last TLS read waits for
  bool starved_ = false;      // it has used up all bytes that had come
  bool clean_end_ = false;
  bool said_end_ = false;
};

}  // namespace gatehouse::tls
