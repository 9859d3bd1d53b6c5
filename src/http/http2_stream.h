// What both sides of the proxy have of one HTTP/2 stream (RFC 9113 5): a body in each direction,
// each as far ahead of its reader as flow control lets it be, and how they end.
#pragma once

#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <optional>

#include "base/error.h"
#include "base/event.h"
#include "base/least_rate.h"
#include "base/recycled.h"
#include "http/http2_body.h"
#include "http/http2_out_body.h"
#include "http/message.h"

namespace gatehouse::http {

class Http2Session;

// Belongs to an exchange, which it must not outlive; may outlive its session, and is broken then.
// When it dies, what has not ended is reset (RFC 9113 5.4.2).
class Http2Stream : public boost::intrusive::list_base_hook<
                        boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // Bytes that write() takes before it waits for them to leave. Where memory is short, or all
  // streams of the connection together hold kQueuedInAll, it waits for each piece.
  static constexpr std::size_t kQueued = 64 * 1024;
  static constexpr std::size_t kQueuedInAll = 1024 * 1024;
  // What the peer may send that nobody has taken (RFC 9113 6.9). A reader that is faster than the
  // window gets a larger one, up to kWindowMost: a stream of 1 Gbit/s over 50 ms has 6.25 MB on its
  // way, and of a window up to a half is given back late. All streams of a thread grow by no more
  // than kGrown.
  static constexpr std::uint32_t kWindow = 64 * 1024;
  static constexpr std::uint32_t kWindowMost = 16 * 1024 * 1024;
  static constexpr std::size_t kGrown = 64 * 1024 * 1024;

  Http2Stream(Http2Session& session, base::Side peer);
  Http2Stream(const Http2Stream&) = delete;
  Http2Stream& operator=(const Http2Stream&) = delete;
  ~Http2Stream();

  // 0 before the stream was opened.
  std::int32_t id() const { return id_; }
  bool open() const { return id_ != 0 && !closed_; }
  // Server: whether the final head of the response has been written.
  bool was_answered() const { return answered_; }

  // --- told by the session, inside its reading and writing ---

  void data_came(const base::Chunk& piece);
  void trailers_came(Fields fields) { trailers_ = std::move(fields); }
  void input_ended();
  // Closed on both sides, with the code of RST_STREAM, or 0.
  void closed(std::uint32_t code);
  // The connection, and so the stream, has broken.
  void broke(const base::Error& error);
  void session_died() { session_ = nullptr; }
  void end_was_sent();
  // How many bytes of the body may leave now, `most` at most; flags as nghttp2's read callback.
  std::ptrdiff_t offer(std::size_t most, std::uint32_t* flags);
  void take(std::size_t size, Http2Output& out);

 protected:
  // A piece of the body; empty at its end. Errors: kReset, kClosed, kTimeout, kCancelled after
  // stop_reading_pieces().
  base::Task<base::Result<base::Chunk>> read_piece(base::Duration idle);
  void stop_reading_pieces();
  // The other direction; nothing is waited for as long as the queue is short.
  base::Task<base::Result<void>> write_piece(base::Chunk chunk);
  // Nothing more is written but the trailers.
  void end_body(Fields trailers);
  // Returns when the end has been sent.
  base::Task<base::Result<void>> wait_for_end();
  // A whole body that waits for nobody.
  void say_all(base::Chunk body);
  void flush_frames();
  // Silence is no fault in what the peer sends, or of how it reads.
  void let_body_be_slow() { in_rate_ = base::LeastRate(); }
  void let_reader_be_slow() { out_rate_ = base::LeastRate(); }
  // RST_STREAM; whoever waits wakes with kReset.
  void reset_stream(std::uint32_t code);
  // Server: the same, behind what was written and may leave without waiting for the client.
  void reset_behind_body(std::uint32_t code);

  void opened(std::int32_t id) { id_ = id; }
  // All that comes has come, and has been read.
  bool input_is_over() const { return input_ended_ && in_.empty(); }
  bool input_ready() const { return !in_.empty() || input_ended_ || read_error_; }
  bool output_is_over() const { return end_sent_; }
  // The head ended the stream, or there is nothing to say in it: what is written is dropped.
  void no_body() { bodiless_ = true; }
  const std::optional<base::Error>& write_error() const { return write_error_; }
  const std::optional<base::Error>& read_error() const { return read_error_; }
  // Whether the connection broke, rather than this stream alone.
  bool broken_by_connection() const { return broken_by_connection_; }
  Http2Session* session() const { return session_; }
  void wake();
  // When output left last, and how many bytes of the body in all.
  base::TimePoint progress() const { return progress_; }
  std::uint64_t sent() const { return sent_; }

  bool answered_ = false;
  Fields trailers_;
  base::Event news_;  // something was told: what is waited for in reading a head or a body
  std::uint64_t received_ = 0;  // bytes of the body in all
  // Once, when the peer gave up; null for nothing.
  void (*hook_)(void*) = nullptr;
  void* owner_ = nullptr;

 private:
  void fail(base::Error error);
  void return_window();
  void grow_window();
  void resume();
  bool peer_may_send() const;
  bool waits_for_window();
  std::size_t queue_bound() const;
  void count_unsent();
  base::Task<base::Result<void>> wait_for_room();

  Http2Session* session_;
  base::Side peer_;
  base::Duration write_stall_;
  base::TimePoint progress_{};
  std::int32_t id_ = 0;
  Http2Body in_;
  base::LeastRate in_rate_;        // of a client alone
  base::LeastRate out_rate_;       // the same
  std::uint64_t others_sent_ = 0;  // by the session when out_rate_ began to count
  std::size_t owed_ = 0;           // bytes handed out that the window has not got back
  std::uint32_t window_ = kWindow;
  std::uint64_t grown_at_ = 0;  // received_ when the window was last looked at
  Http2OutBody out_;
  std::size_t counted_ = 0;  // of its bytes, by the session
  std::uint64_t sent_ = 0;
  Fields out_trailers_;
  base::Event room_;  // set when output has left
  std::optional<base::Error> read_error_;
  std::optional<base::Error> write_error_;
  bool input_ended_ = false;
  bool stopped_ = false;
  bool finished_ = false;
  bool end_sent_ = false;
  bool deferred_ = false;
  bool offered_ = false;  // the body was asked for: the head has left
  bool bodiless_ = false;
  bool closed_ = false;
  bool broken_by_connection_ = false;
};

}  // namespace gatehouse::http
