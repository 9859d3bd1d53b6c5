// One HTTP/2 connection, whichever side we are on: nghttp2 between a transport and streams. Reads
// when its owner says so, writes by a task of its own, counts what only floods have much of.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/error.h"
#include "base/event.h"
#include "base/gate.h"
#include "http/http2_empty_frames.h"
#include "http/http2_floods.h"
#include "http/http2_head.h"
#include "http/http2_last_words.h"
#include "http/http2_linger.h"
#include "http/http2_options.h"
#include "http/http2_output.h"
#include "http/http2_stream.h"
#include "http/inbox.h"
#include "tls/transport.h"

struct nghttp2_session;

namespace gatehouse::http {

// What a session tells its owner, while it reads. `owner` comes first in each call.
struct Http2Hooks {
  void* owner = nullptr;
  // Server: a request begins on a new stream. Null: refused with REFUSED_STREAM.
  Http2Stream* (*begun)(void* owner, std::int32_t id) = nullptr;
  // A head that is no trailers has come whole; `head` may be taken from.
  void (*head)(void* owner, Http2Stream& stream, Http2HeadFields& head, bool ended) = nullptr;
  // Client: GOAWAY; streams above `last` were not processed.
  void (*going_away)(void* owner, std::int32_t last) = nullptr;
  // Client: the server's SETTINGS, the first or new ones.
  void (*settings)(void* owner) = nullptr;
};

class Http2Session {
 public:
  enum class Role : std::uint8_t { kServer, kClient };
  // Of the connection, all streams together (RFC 9113 6.9). It is given back as bytes come, for a
  // body that nobody takes must hold up its own stream alone: the streams' windows are what bounds.
  static constexpr std::uint32_t kWindow = 16 * 1024 * 1024;
  static constexpr std::size_t kBatch = 64 * 1024;  // bytes that are written together
  // Frames that wait for a peer that does not read; beyond, we read no more of it.
  static constexpr std::size_t kQueuedFrames = 256;
  // Bytes of bodies that nobody has taken yet; beyond, we read no more of a client while memory is
  // short, and look again after kLookAgain whether it still is.
  static constexpr std::size_t kUntaken = 16 * 1024;
  static constexpr base::Duration kLookAgain{250};

  // `transport` outlives the session.
  Http2Session(tls::Transport& transport, Role role, const Http2Options& options, Http2Hooks hooks);
  Http2Session(const Http2Session&) = delete;
  Http2Session& operator=(const Http2Session&) = delete;
  // stop() has returned.
  ~Http2Session();

  // --- for the owner ---

  // Reads once and hands on what came. False when the connection is over, in either way; error()
  // says if badly. kTimeout at the deadline and kCancelled after an interrupt leave it as it is.
  base::Task<base::Result<bool>> receive(base::Deadline deadline);
  // Hands on what was read; false as above.
  bool feed(base::Chunk piece);
  // Wakes who waits in receive(), or is about to: something else than bytes is to be looked at.
  void wake_reader();
  // GOAWAY with the last stream that was processed, and no more new ones.
  void go_away();
  // GOAWAY that only announces it (RFC 9113 6.8), and a PING whose answer tells that it has come.
  void announce_going_away();
  bool announced() const { return announced_; }
  bool gone() const { return gone_; }
  bool pinged() const { return ping_sent_; }
  void ping();
  // The connection has ended for its streams; what is queued is still sent.
  bool said_all() const;
  void break_streams();
  // Sends what is queued, ends the writer. Streams that are left break.
  base::Task<void> stop(base::Deadline deadline);
  // What broke the connection.
  const std::optional<base::Error>& error() const { return error_; }
  bool over() const { return over_; }
  // Whether a head is being received; since when.
  bool head_under_way() const { return assembling_ != 0; }
  base::TimePoint head_began() const { return head_began_; }
  Http2Floods& floods() { return floods_; }
  // Server: requests that were answered and still come.
  const Http2Linger& lingering() const { return linger_; }
  // Server: streams whose exchanges are over, and that are not.
  std::size_t parting() const { return linger_.size() + last_words_.size(); }
  // RST_STREAM to those that lingered for long enough.
  void end_lingering(base::TimePoint now);

  // --- for streams ---

  nghttp2_session* get() const { return session_.get(); }
  tls::Transport& transport() { return transport_; }
  base::Loop& loop() { return transport_.socket().loop(); }
  const Http2Options& options() const { return options_; }
  bool is_server() const { return role_ == Role::kServer; }
  // A stream that the session knows from now on, until it leaves.
  void join(Http2Stream& stream) { streams_.push_back(stream); }
  // Wakes the writer: there may be frames to send.
  void flush();
  bool short_of_memory() const { return base::is_short(options_.memory); }
  // Bytes of a body have come for a stream; the stream's reader has them now, or nobody wants them.
  void body_came(std::size_t bytes);
  void body_went(std::size_t bytes);
  // Bytes of bodies that all streams together have written and that have not left.
  std::size_t unsent() const { return unsent_; }
  void count_unsent(std::size_t before, std::size_t now) { unsent_ += now - before; }
  // Whether more of the peer's bodies is not read for now.
  bool holds_bodies_back() const { return holds_back_; }
  // Server: RST_STREAM, once what may leave at once of a response has left: the head, if it has not
  // yet (`head_sent`), and of `body` as much as the windows are open for.
  void reset_behind(std::int32_t id, std::uint32_t code, Http2OutBody body, bool head_sent);
  // Server: the response on that stream has ended, and nobody wants the rest of its request.
  void linger(std::int32_t id);
  // Bytes of bodies that have been sent, all streams together.
  std::uint64_t sent() const { return sent_; }
  // Counts, on a server's side, what a client has done.
  void blame(base::Abuse kind) { base::count(options_.abuse, kind); }
  // Breaks the connection and with it all streams.
  void fail(base::Error error);

 private:
  friend struct Http2Callbacks;
  struct Delete {
    void operator()(nghttp2_session* session) const;
  };
  using Streams = boost::intrusive::list<Http2Stream, boost::intrusive::constant_time_size<false>>;

  void submit_settings();
  base::Task<void> write();
  bool collect();
  bool wants_writer() const;
  bool wants_takers() const;
  base::Task<void> wait_for_room(base::Deadline deadline);
  void break_all(const base::Error& error);
  void flooded(base::Abuse kind);
  void limit_writes();
  void ping_answered();
  base::Side peer() const { return is_server() ? base::Side::kDownstream : base::Side::kUpstream; }
  void drop(std::int32_t id, std::size_t size);
  void lingered(std::int32_t id);
  void say_last(std::int32_t id, std::size_t size);
  bool cut_last_words();
  void reset_unwanted(std::int32_t id);
  void count(Http2Floods::Kind kind);
  void count_late_frames();
  void late_head(std::int32_t id);
  void count_reset(Http2Floods::Reset kind);
  void reset_came(std::int32_t id);

  tls::Transport& transport_;
  Role role_;
  Http2Options options_;
  Http2Hooks hooks_;
  Inbox inbox_;
  std::unique_ptr<nghttp2_session, Delete> session_;
  Streams streams_;
  Streams left_;  // that have broken, and whose exchanges have not ended yet
  Http2Floods floods_;
  Http2Linger linger_;
  Http2LastWords last_words_;
  Http2EmptyFrames empty_frames_;   // of a client
  std::uint64_t empty_heard_ = 0;   // those that nghttp2 has told of, or that were counted
  std::int32_t newest_stream_ = 0;  // that the client has opened
  Http2HeadFields head_;            // the one that is being received
  std::int32_t assembling_ = 0;     // its stream
  base::TimePoint head_began_{};
  base::TimePoint now_{};  // of the piece that is being read
  base::Chunk input_;      // and it itself
  Http2Output output_;
  base::Event work_;     // for the writer
  base::Event written_;  // by the writer
  base::Gate gate_;
  std::uint64_t sent_ = 0;
  std::int32_t cut_by_peer_ = 0;  // the stream that a RST_STREAM is just ending
  std::size_t untaken_ = 0;
  std::size_t unsent_ = 0;
  std::optional<base::Error> error_;
  bool writing_ = false;     // a write is under way
  bool holds_back_ = false;  // the reader waits for those who take bodies
  bool gone_ = false;        // GOAWAY with the last stream was sent
  bool blamed_ = false;      // ours says what the peer did wrong
  bool flooded_ = false;
  bool over_ = false;
  bool woken_ = false;
  bool stopping_ = false;
  bool announced_ = false;
  bool ping_sent_ = false;
};

}  // namespace gatehouse::http
