// The client side of an HTTP/1.1 connection to an upstream: one exchange after the other, each
// written anew from its parsed head, each answer checked before a byte of it is passed on.
#pragma once

#include <cstdint>
#include <optional>

#include "base/clock.h"
#include "http/framing.h"
#include "http/http1_body.h"
#include "http/http1_head.h"
#include "http/http1_writer.h"
#include "http/inbox.h"
#include "http/stream.h"
#include "tls/transport.h"

namespace gatehouse::http {

struct Http1ClientOptions {
  HeadLimits head{64 * 1024, 500, 0};
  base::Duration response_head{60'000};   // from the last byte of the request that went out
  base::Duration body_idle{60'000};       // between two pieces of a response's body
  base::Duration stream_idle{3'600'000};  // the same where silence is no fault (may_be_silent)
  base::Duration write_stall{60'000};     // for a piece of 64 KiB to leave

  Http1ClientOptions() = default;
};

// Owns the connection. Stays where it is (hold it by pointer); exchanges must have ended or been
// reset() before it dies.
//
// A head with `upgrade` asks for a tunnel and needs its Sec-WebSocket-Key. read_head() gives 101 as
// the final head, once the upstream has proved to have understood (RFC 6455 4.2.2); any other final
// head is an answer as ever. In the tunnel read() has no limit in time, finish() sends FIN, and the
// connection is never reusable() again.
class Http1Client final : public ClientStream {
 public:
  // After a failed write an upstream may still have sent why: so long read_head() looks for it.
  static constexpr base::Duration kEarlyAnswer{500};
  static constexpr unsigned kInterimHeads = 16;  // in front of one final head

  // `transport` is connected, and its TLS handshake done.
  Http1Client(tls::Transport transport, Http1ClientOptions options);

  tls::Transport& transport() { return transport_; }
  // Exchanges begun so far.
  std::uint64_t exchanges() const { return exchanges_; }

  // Whether the exchange is over on both sides and the connection may carry another: both wanted
  // it, and nothing unasked for has come.
  bool reusable() const;
  // Of a reusable connection that lay idle: whether it still is one. False when the upstream has
  // closed it or sent something; it must not be used then. One system call.
  bool still_idle();
  // No wait of the exchange goes beyond `overall`. Until it is called again.
  void limit(base::Deadline overall);
  // Says goodbye (TLS close_notify, FIN) and closes. For connections taken out of a pool.
  void close();

  // --- ClientStream ---
  // Begins an exchange. When write(), flush() or finish() fail, read_head() may still be called:
  // it returns an early answer if one comes within kEarlyAnswer, else the write's error. "100
  // Continue" is given out only when the head expected it.
  base::Task<base::Result<void>> send_head(const RequestHead& head) override;
  base::Task<base::Result<void>> write(base::Chunk chunk) override;
  base::Task<base::Result<void>> flush() override { return writer_.flush(); }
  base::Task<base::Result<void>> finish(const Fields& trailers) override;
  base::Task<base::Result<ResponseHead>> read_head() override;
  base::Task<base::Result<base::Chunk>> read() override;
  bool ready() const override;
  const Fields& trailers() const override { return body_.trailers(); }
  void reset() override;

 private:
  base::Result<bool> take_head(ResponseHead& head);
  base::Result<void> accept_head(ResponseHead& head);
  void begin_body(const ResponseHead& head);
  base::Task<base::Result<base::Chunk>> read_body();
  void open_tunnel();
  base::Task<base::Result<base::Chunk>> read_tunnel();
  base::Task<base::Result<void>> finish_tunnel();
  base::Deadline head_deadline() const;
  base::Error mark(base::Error error) const;
  std::unexpected<base::Error> broken(base::Error error);

  tls::Transport transport_;
  Http1ClientOptions options_;
  Inbox inbox_;
  Http1Head reader_;
  Http1Body body_;
  Http1Writer writer_;
  std::optional<base::Result<base::Chunk>> first_;  // of the body, received with the head
  base::Deadline overall_;
  base::TimePoint began_{};
  base::Duration idle_{};  // between two pieces of this response's body
  std::uint64_t exchanges_ = 0;
  unsigned interim_heads_ = 0;
  Persistence persistence_ = Persistence::kKeepAlive;
  base::Text upgrade_;     // the tunnel that was asked for
  std::string accept_;     // the proof that the upstream owes for it
  bool to_head_ = false;   // the request was HEAD
  bool expects_ = false;   // it waits for 100
  bool answered_ = false;  // a byte of the answer has come
  bool has_head_ = false;  // the final head has been read
  bool broken_ = false;
  bool tunnel_ = false;        // 101 has come
  bool tunnel_ended_ = false;  // by the upstream
};

}  // namespace gatehouse::http
