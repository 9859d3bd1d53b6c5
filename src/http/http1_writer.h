// A message on its way out over HTTP/1.1: its head held back to leave with the first bytes of the
// body, the body framed as the head says, each call one system call (RFC 9112 6, 7).
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/buffer.h"
#include "base/event.h"
#include "http/message.h"
#include "tls/transport.h"

namespace gatehouse::http {

class Http1Writer {
 public:
  // A larger piece is sent in parts, and the stall limit counts for each.
  static constexpr std::size_t kPart = 64 * 1024;

  // `transport` outlives the writer. `stall`: how long one call may make no headway. `side`: who
  // is written to, for errors.
  Http1Writer(tls::Transport& transport, base::Duration stall, base::Side side);

  // Begins a message: returns the text that its head is to be appended to. `kind` frames the body;
  // with kNone what is written of a body is dropped (an answer to HEAD).
  base::Text& begin(BodyKind kind, std::uint64_t length);
  // Whether finish() was called.
  bool ended() const { return ended_; }
  // Whether a write has failed: the connection is of no more use.
  bool failed() const { return failed_; }
  // And whether because the reader took nothing for too long, or too little.
  bool timed_out() const { return timed_out_; }

  // Errors of all: kReset, kTimeout, kTls; kInternal when more or less is written than announced.
  base::Task<base::Result<void>> write(base::Chunk chunk);
  base::Task<base::Result<void>> flush();
  base::Task<base::Result<void>> finish(const Fields& trailers);
  // Sends an interim response ahead of the message. Nothing is sent unless allow_interim() was
  // called since the last message, and begin() not yet: the call may have waited for its turn.
  base::Task<base::Result<void>> write_interim(base::Text text);
  void allow_interim() { interim_allowed_ = true; }

  // Everything that waits ends no later than `overall`, beside the stall limit.
  void limit(base::Deadline overall) { overall_ = overall; }
  // How errors are to be marked (a request on a connection that may have gone stale).
  void retry_on_failure(base::Retry retry) { retry_ = retry; }
  // When bytes last went out; the writer's birth at first.
  base::TimePoint last_progress() const { return last_progress_; }
  // Gives back the memory for heads, when none waits in it.
  void release();

 private:
  base::Task<void> wait_for_turn();
  base::Task<base::Result<void>> write_part(base::Chunk part);
  base::Task<base::Result<void>> write_in_parts(base::Chunk chunk);
  // Sends what is held back and then the three, in one system call; without waiting when all of
  // that has room.
  base::Task<base::Result<void>> send(base::Bytes before, base::Chunk chunk, base::Bytes after);
  // The same but for the first `sent` bytes. `has_turn`: turn_ was taken for it.
  base::Task<base::Result<void>> send_rest(bool has_turn, std::size_t sent, base::Bytes before,
                                           base::Chunk chunk, base::Bytes after);
  base::Result<void> sent_all();
  // Notes that a write has failed; its error as callers get it.
  base::Error failure(base::Error error);

  tls::Transport& transport_;
  base::Duration stall_;
  base::Side side_;
  base::Retry retry_ = base::Retry::kNo;
  base::Deadline overall_;
  base::Event turn_;  // set while nobody writes
  base::Text held_;
  std::array<char, 24> chunk_head_{};
  BodyKind kind_ = BodyKind::kNone;
  std::uint64_t remaining_ = 0;
  bool ended_ = true;
  bool failed_ = false;
  bool timed_out_ = false;
  bool interim_allowed_ = false;
  base::TimePoint last_progress_ = base::Clock::now();
};

}  // namespace gatehouse::http
