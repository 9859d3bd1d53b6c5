// The server side of an HTTP/1.1 connection (RFC 9112): yields one request after the other, frames
// the responses, and answers by itself what is too malformed, too long or too slow to be a request.
#pragma once

#include <cstdint>
#include <string>

#include "base/abuse_counters.h"
#include "base/clock.h"
#include "base/least_rate.h"
#include "http/framing.h"
#include "http/http1_body.h"
#include "http/http1_head.h"
#include "http/http1_writer.h"
#include "http/idle_clients.h"
#include "http/inbox.h"
#include "http/stream.h"
#include "tls/transport.h"

namespace gatehouse::http {

struct Http1ServerOptions {
  HeadLimits head;                           // 32 KiB, 100 fields, target 8 KiB
  std::uint64_t body_bytes = 100 * 1048576;  // of a request; 413 beyond, 0 for no limit
  base::Duration request_head{10'000};    // first byte to the head's end, whatever trickles in: 408
  base::Duration body_idle{60'000};       // between two pieces of a request's body
  base::Duration idle{75'000};            // from one request to the next
  base::Duration write_stall{60'000};     // for a piece of 64 KiB to leave
  base::Duration stream_idle{3'600'000};  // instead of body_idle where silence is no fault
  // Bytes a second, on average, of a request's body, and of a response whose reader we wait for.
  // Looked at after `rate_grace` of waiting; not where silence is no fault.
  std::uint64_t least_rate = 240;
  base::Duration rate_grace{30'000};
  base::AbuseCounters* abuse = nullptr;  // may be null; else outlives the server
  IdleClients* idle_clients = nullptr;   // the same
  bool http2 = false;  // a connection may begin with the preface of HTTP/2 instead of a request

  Http1ServerOptions() = default;
};

// One a connection, beside its Transport, and itself the stream of the request under way: nothing
// is allocated for a request but what its strings outgrow.
//
// write_head() with 101, when head().upgrade asked for it, opens a tunnel: what the client sent
// behind its head, as far as it came with it (the rest waits in the kernel), and all that follows
// is read() as raw bytes, without a limit in time. finish() sends FIN; the client's FIN is the end
// of reading. TLS that ends without close_notify ends a tunnel as well: what runs in it tells by
// itself whether it is whole.
class Http1Server final : public ServerStream {
 public:
  // What an unread request body may cost before the next request or the close.
  static constexpr std::size_t kDrainBytes = 256 * 1024;
  static constexpr base::Duration kDrainTime{2'000};

  // `transport` outlives the server.
  Http1Server(tls::Transport& transport, Http1ServerOptions options);

  // Ends the exchange before, if there was one, and waits for the next request. Null when the
  // connection has ended as connections do: closed by the client between requests, idle for too
  // long, `Connection: close`, draining, or reset(). Errors, all kDownstream, after which it has
  // ended too: a refused head (answered already; see refused_status()): kMalformed,
  // kUnsupported, kTooLarge, kTimeout; kClosed, kReset, kTls when the client broke off. The
  // transport may be closed at once afterwards: what must linger has lingered.
  base::Task<base::Result<ServerStream*>> next();

  // With which status a head was refused; 0 when none was.
  std::uint16_t refused_status() const { return refused_status_; }

  // Whether next() ended because the client speaks HTTP/2, as it knew that we do (RFC 9113 3.3).
  bool saw_http2() const { return saw_http2_; }
  // What it has sent so far, from its preface on.
  base::Chunk take_input() { return inbox_.take(inbox_.bytes().size()); }

  // From now on: the response under way or the next one carries `Connection: close`, and a
  // connection that waits for a request ends at once, unless one has just come.
  void set_draining();

  // --- ServerStream ---
  const RequestHead& head() const override { return head_; }
  base::Task<base::Result<base::Chunk>> read() override;
  const Fields& trailers() const override { return body_.trailers(); }
  bool request_ended() const override { return tunnel_ ? input_ended_ : body_.ended(); }
  void stop_reading() override { transport_.socket().interrupt_reading(); }
  void when_cancelled(void (*hook)(void*), void* owner) override {
    hook_ = hook;
    owner_ = owner;
  }
  base::Task<base::Result<void>> write_interim(const ResponseHead& head) override;
  base::Task<base::Result<void>> write_head(const ResponseHead& head) override;
  base::Task<base::Result<void>> write(base::Chunk chunk) override;
  base::Task<base::Result<void>> flush() override { return writer_.flush(); }
  base::Task<base::Result<void>> finish(const Fields& trailers) override;
  bool answered() const override { return answered_; }
  void reset(base::Code why) override;

 private:
  enum class State : std::uint8_t { kFresh, kIdle, kExchange, kEnded };

  base::Task<base::Result<bool>> wait_for_request();
  base::Task<base::Result<bool>> read_head();
  base::Task<base::Result<bool>> read_rest_of_head();
  // Seldom, so not inlined: its frame would be a part of next()'s, which an idle connection keeps.
  [[gnu::noinline]] base::Task<base::Result<ServerStream*>> refuse(Refusal refusal);
  base::Task<bool> retire();
  base::Task<bool> end_exchange();
  [[gnu::noinline]] base::Task<bool> drain();  // the same
  // `room` is the inbox's.
  base::Task<base::Result<std::size_t>> fill(base::MutableBytes room, base::Deadline deadline);
  Refusal accept_head();
  base::Result<void> open_tunnel(const ResponseHead& head);
  base::Task<base::Result<base::Chunk>> read_tunnel();
  base::Task<base::Result<void>> finish_tunnel();
  void begin_body();
  void watch();
  base::Task<void> watch_client();
  base::Task<void> stop_watching();
  bool more_to_come();
  bool is_http2_preface();
  void rest();
  void end();
  static void let_go(void* self) { static_cast<Http1Server*>(self)->set_draining(); }

  tls::Transport& transport_;
  Http1ServerOptions options_;
  Inbox inbox_;
  Http1Head reader_;
  Http1Body body_;
  Http1Writer writer_;
  base::LeastRate body_rate_;
  IdleClients::Place place_;
  base::Duration body_idle_{};
  RequestHead head_;
  void (*hook_)(void*) = nullptr;  // of when_cancelled()
  void* owner_ = nullptr;
  base::Event unwatched_;  // set when that task has ended
  State state_ = State::kFresh;
  Persistence persistence_ = Persistence::kKeepAlive;
  std::uint16_t refused_status_ = 0;
  bool waiting_idle_ = false;
  bool draining_ = false;
  bool owes_continue_ = false;  // the client waits for 100
  bool input_broken_ = false;   // no more requests can be read
  bool input_ended_ = false;    // the client has sent FIN
  bool answered_ = false;
  bool was_reset_ = false;
  bool watching_ = false;  // a task waits for the client's end
  bool tunnel_ = false;    // 101 was answered
  bool saw_http2_ = false;
};

}  // namespace gatehouse::http
