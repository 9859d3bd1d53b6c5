#include "http/http2_stream.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <utility>

#include "http/http2_session.h"

namespace gatehouse::http {

namespace {

// What the windows of this thread's streams have beyond kWindow.
thread_local std::size_t grown = 0;

// What the peer says by RST_STREAM (RFC 9113 7): those codes that mean something beyond it.
base::Error said_reset(std::uint32_t code, base::Side peer) {
  base::Error error(base::Code::kReset, peer, "the stream was reset (");
  error.detail += nghttp2_http2_strerror(code);
  error.detail += ")";
  if (code == NGHTTP2_CANCEL) error.code = base::Code::kCancelled;
  if (code == NGHTTP2_ENHANCE_YOUR_CALM) error.code = base::Code::kOverload;
  // RFC 9113 8.7: it was not processed.
  if (code == NGHTTP2_REFUSED_STREAM) error.retry = base::Retry::kYes;
  return error;
}

}  // namespace

Http2Stream::Http2Stream(Http2Session& session, base::Side peer)
    : news_(session.loop()),
      session_(&session),
      peer_(peer),
      write_stall_(session.options().write_stall),
      in_(session.loop().buffers()),
      room_(session.loop()) {
  session.join(*this);
  if (!session.is_server()) return;
  in_rate_ = base::LeastRate(session.options().least_rate, session.options().rate_grace);
  out_rate_ = in_rate_;
  others_sent_ = session.sent();
}

Http2Stream::~Http2Stream() {
  grown -= window_ - kWindow;
  if (session_ == nullptr) return;
  owed_ += in_.bytes();
  session_->body_went(in_.bytes());
  session_->count_unsent(counted_, 0);
  return_window();
  if (id_ != 0) nghttp2_session_set_stream_user_data(session_->get(), id_, nullptr);
  if (!open()) return;
  // A response that is whole needs no more of the request.
  if (end_sent_ && session_->is_server()) {
    session_->linger(id_);
  } else {
    reset_stream(NGHTTP2_CANCEL);
  }
}

void Http2Stream::reset_stream(std::uint32_t code) {
  if (!open() || session_ == nullptr) return;
  closed_ = true;
  nghttp2_submit_rst_stream(session_->get(), NGHTTP2_FLAG_NONE, id_, code);
  session_->flush();
  fail(base::Error(base::Code::kReset, peer_, "the exchange was broken off"));
}

void Http2Stream::reset_behind_body(std::uint32_t code) {
  if (!open() || session_ == nullptr || !answered_) return reset_stream(code);
  closed_ = true;
  nghttp2_session_set_stream_user_data(session_->get(), id_, nullptr);
  session_->reset_behind(id_, code, std::exchange(out_, Http2OutBody()), offered_);
  count_unsent();
  fail(base::Error(base::Code::kReset, peer_, "the exchange was broken off"));
}

// --- told by the session ---

void Http2Stream::data_came(const base::Chunk& piece) {
  received_ += piece.size();
  in_rate_.moved(piece.size());
  in_.append(piece);
  session_->body_came(piece.size());
  news_.set();
}

void Http2Stream::input_ended() {
  input_ended_ = true;
  news_.set();
}

void Http2Stream::end_was_sent() {
  end_sent_ = true;
  progress_ = base::Clock::now();
  room_.set();
}

void Http2Stream::wake() {
  news_.set();
  room_.set();
}

// What had come whole before stays readable.
void Http2Stream::fail(base::Error error) {
  if (!input_ended_ && !read_error_) read_error_ = error;
  if (!end_sent_ && !write_error_) write_error_ = std::move(error);
  wake();
}

void Http2Stream::closed(std::uint32_t code) {
  if (closed_) return;
  closed_ = true;
  const bool whole = code == NGHTTP2_NO_ERROR && input_ended_ && end_sent_;
  if (whole) return;
  fail(said_reset(code, peer_));
  auto* const hook = std::exchange(hook_, nullptr);
  if (hook != nullptr) hook(owner_);
}

void Http2Stream::broke(const base::Error& error) {
  if (closed_) return;
  closed_ = true;
  broken_by_connection_ = true;
  fail(error);
  auto* const hook = std::exchange(hook_, nullptr);
  if (hook != nullptr) hook(owner_);
}

// --- a body that comes in ---

// What was handed out last has been passed on: the peer may send as much again.
void Http2Stream::return_window() {
  if (owed_ == 0 || session_ == nullptr) return;
  nghttp2_session_consume_stream(session_->get(), id_, owed_);
  owed_ = 0;
  session_->flush();
}

// Called when the reader has to wait for the peer.
void Http2Stream::grow_window() {
  if (session_ == nullptr || !open() || window_ >= kWindowMost) return;
  if (session_->short_of_memory()) return;
  if (received_ - grown_at_ < window_ / 2 || grown + window_ > kGrown) return;
  grown_at_ = received_;
  grown += window_;
  window_ *= 2;
  nghttp2_session_set_local_window_size(session_->get(), NGHTTP2_FLAG_NONE, id_,
                                        static_cast<std::int32_t>(window_));
  session_->flush();
}

// Bodies that their own readers leave in our memory may be why the connection is not read.
bool Http2Stream::peer_may_send() const {
  return session_ == nullptr || !session_->holds_bodies_back();
}

base::Task<base::Result<base::Chunk>> Http2Stream::read_piece(base::Duration idle) {
  return_window();
  auto deadline = base::Deadline::in(idle);
  while (in_.empty()) {
    if (stopped_) co_return base::fail(base::Code::kCancelled, peer_, "nobody reads on");
    if (read_error_) co_return base::fail(*read_error_);
    if (input_ended_) co_return base::Chunk();
    grow_window();
    news_.reset();
    in_rate_.begin(base::Clock::now());
    const auto slow = in_rate_.deadline();
    auto told = co_await news_.wait(deadline.min(slow));
    in_rate_.end(base::Clock::now());
    if (told) continue;
    if (!peer_may_send()) {
      in_rate_.restart();
      deadline = base::Deadline::in(idle);
      continue;
    }
    if (session_ != nullptr) session_->blame(base::Abuse::kSlowBody);
    told.error().side = peer_;
    told.error().detail = deadline.passed() ? "the body stalled" : "the body comes too slowly";
    co_return base::fail(std::move(told.error()));
  }
  auto piece = in_.take();
  owed_ = piece.size();
  if (session_ != nullptr) session_->body_went(piece.size());
  co_return piece;
}

void Http2Stream::stop_reading_pieces() {
  stopped_ = true;
  news_.set();
}

// --- a body that goes out ---

std::ptrdiff_t Http2Stream::offer(std::size_t most, std::uint32_t* flags) {
  offered_ = true;
  if (out_.bytes() == 0 && !finished_) {
    deferred_ = true;
    return NGHTTP2_ERR_DEFERRED;
  }
  const auto n = std::min(most, out_.bytes());
  if (n != 0) *flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (finished_ && n == out_.bytes()) {
    *flags |= NGHTTP2_DATA_FLAG_EOF;
    if (!out_trailers_.empty()) {
      *flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
      Http2Block block;
      block.trailers(out_trailers_);
      nghttp2_submit_trailer(session_->get(), id_, block.data(), block.size());
    }
  }
  return static_cast<std::ptrdiff_t>(n);
}

void Http2Stream::take(std::size_t size, Http2Output& out) {
  out_.take(size, out);
  count_unsent();
  sent_ += size;
  out_rate_.moved(size);
  progress_ = base::Clock::now();
  room_.set();
}

void Http2Stream::resume() {
  if (session_ == nullptr || !open()) return;
  if (deferred_) {
    deferred_ = false;
    nghttp2_session_resume_data(session_->get(), id_);
  }
  session_->flush();
}

void Http2Stream::flush_frames() {
  if (session_ != nullptr) session_->flush();
}

// Whether the client's window is what holds this body back: not the connection's writer, which has
// a limit of its own, nor streams that go before.
bool Http2Stream::waits_for_window() {
  if (session_ == nullptr) return false;
  if (nghttp2_session_get_stream_remote_window_size(session_->get(), id_) <= 0) return true;
  const bool shut = nghttp2_session_get_remote_window_size(session_->get()) <= 0;
  return shut && session_->sent() - others_sent_ < out_rate_.least();
}

// Returns when output has left, or the stream has failed.
base::Task<base::Result<void>> Http2Stream::wait_for_room() {
  room_.reset();
  const auto stall = base::Deadline::in(write_stall_);
  for (;;) {
    out_rate_.begin(base::Clock::now());
    const auto slow = out_rate_.deadline();
    auto left = co_await room_.wait(stall.min(slow));
    out_rate_.end(base::Clock::now());
    if (left) co_return left;
    if (!stall.passed() && !waits_for_window()) {
      out_rate_.restart();
      others_sent_ = session_ != nullptr ? session_->sent() : 0;
      continue;
    }
    if (session_ != nullptr) session_->blame(base::Abuse::kSlowReader);
    left.error().side = peer_;
    left.error().detail =
        stall.passed() ? "the peer takes nothing of a body" : "the peer takes a body too slowly";
    reset_stream(NGHTTP2_CANCEL);
    co_return left;
  }
}

std::size_t Http2Stream::queue_bound() const {
  if (session_ == nullptr) return kQueued;
  const bool full = session_->unsent() > kQueuedInAll || session_->short_of_memory();
  return full ? 0 : kQueued;
}

// What of `out_` has changed, is told to the session.
void Http2Stream::count_unsent() {
  if (session_ != nullptr) session_->count_unsent(counted_, out_.bytes());
  counted_ = out_.bytes();
}

base::Task<base::Result<void>> Http2Stream::write_piece(base::Chunk chunk) {
  if (write_error_) co_return base::fail(*write_error_);
  if (bodiless_ || chunk.empty()) co_return base::Result<void>();
  out_.append(std::move(chunk));
  count_unsent();
  resume();
  while (out_.bytes() > queue_bound()) {
    if (write_error_) co_return base::fail(*write_error_);
    auto left = co_await wait_for_room();
    if (!left) co_return left;
  }
  co_return base::Result<void>();
}

void Http2Stream::end_body(Fields trailers) {
  if (finished_) return;
  finished_ = true;
  if (!bodiless_) out_trailers_ = std::move(trailers);
  resume();
}

void Http2Stream::say_all(base::Chunk body) {
  out_.append(std::move(body));
  count_unsent();
  end_body(Fields());
}

base::Task<base::Result<void>> Http2Stream::wait_for_end() {
  while (!end_sent_) {
    if (write_error_) co_return base::fail(*write_error_);
    auto left = co_await wait_for_room();
    if (!left) co_return left;
  }
  co_return base::Result<void>();
}

}  // namespace gatehouse::http
