#include "http/http2_session.h"

#include <nghttp2/nghttp2.h>

#include <array>

#include "http/http2_callbacks.h"

namespace gatehouse::http {

namespace {

constexpr std::size_t kRead = 8 * 1024;  // least room for a read

constexpr std::array<std::uint8_t, 8> kPing = {'g', 'a', 't', 'e', 'h', 'o', 'u', 's'};

}  // namespace

void Http2Session::Delete::operator()(nghttp2_session* session) const {
  nghttp2_session_del(session);
}

Http2Session::Http2Session(tls::Transport& transport, Role role, const Http2Options& options,
                           Http2Hooks hooks)
    : transport_(transport),
      role_(role),
      options_(options),
      hooks_(hooks),
      inbox_(loop().buffers()),
      floods_(options.floods),
      head_(options.head),
      output_(loop().buffers()),
      work_(loop()),
      written_(loop()),
      gate_(loop()) {
  session_.reset(Http2Callbacks::make(*this));
  submit_settings();
  limit_writes();
  gate_.spawn(write(), "write an HTTP/2 connection");
}

Http2Session::~Http2Session() {
  for (auto* streams : {&streams_, &left_}) {
    for (auto& stream : *streams) stream.session_died();
  }
}

void Http2Session::submit_settings() {
  std::array<nghttp2_settings_entry, 5> settings{};
  std::size_t count = 0;
  const auto say = [&](std::int32_t id, std::uint64_t value) {
    settings[count++] = {id,
                         static_cast<std::uint32_t>(std::min<std::uint64_t>(value, UINT32_MAX))};
  };
  say(NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, Http2Stream::kWindow);
  say(NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, options_.head.head_bytes);
  if (is_server()) {
    if (options_.streams != 0) say(NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, options_.streams);
    say(NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1);
    say(NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1);  // RFC 9218 instead
  } else {
    say(NGHTTP2_SETTINGS_ENABLE_PUSH, 0);
  }
  nghttp2_submit_settings(session_.get(), NGHTTP2_FLAG_NONE, settings.data(), count);
  nghttp2_session_set_local_window_size(session_.get(), NGHTTP2_FLAG_NONE, 0, kWindow);
}

// --- reading ---

bool Http2Session::wants_writer() const {
  return writing_ && nghttp2_session_get_outbound_queue_size(session_.get()) > kQueuedFrames;
}

bool Http2Session::wants_takers() const {
  return untaken_ > kUntaken && is_server() && short_of_memory();
}

// A peer that sends what must be answered and reads no answers is not read either; nor, where
// memory is short, a client that sends what nobody takes, whatever its windows allow it.
base::Task<void> Http2Session::wait_for_room(base::Deadline deadline) {
  while (!over_ && !woken_) {
    holds_back_ = wants_takers();
    if (!holds_back_ && !wants_writer()) break;
    written_.reset();
    auto until = deadline;
    if (holds_back_) until = until.min(base::Deadline::in(kLookAgain));
    (void)co_await written_.wait(until);
    if (deadline.passed()) break;
  }
}

void Http2Session::body_came(std::size_t bytes) {
  untaken_ += bytes;
  nghttp2_session_consume_connection(session_.get(), bytes);
}

void Http2Session::body_went(std::size_t bytes) {
  untaken_ -= bytes;
  if (holds_back_) written_.set();
}

void Http2Session::wake_reader() {
  woken_ = true;
  written_.set();
  transport_.socket().interrupt_reading();
}

base::Task<base::Result<bool>> Http2Session::receive(base::Deadline deadline) {
  co_await wait_for_room(deadline);
  if (over_) co_return false;
  if (std::exchange(woken_, false)) co_return base::fail(base::Code::kCancelled, "woken");
  if (holds_back_) co_return base::fail(base::Code::kTimeout, "bodies lie here that nobody takes");
  base::Result<std::size_t> got;
  for (;;) {
    got = transport_.try_read(inbox_.room(kRead));
    if (got || got.error().code != base::Code::kOverload) break;
    inbox_.release();  // an idle connection holds no buffer
    auto waited = co_await transport_.wait_readable(deadline);
    if (waited) {
      auto others = loop().yield_to_work();  // many requests may have come
      if (is_server()) co_await others;
      continue;
    }
    const auto code = waited.error().code;
    const bool goes_on = code == base::Code::kTimeout || code == base::Code::kCancelled;
    woken_ = false;
    if (over_) co_return false;  // our last frames may still be on their way: nothing is broken off
    if (goes_on) co_return base::fail(std::move(waited.error()));
    got = base::fail(std::move(waited.error()));
    break;
  }
  if (!got) {
    fail(std::move(got.error()));
    co_return false;
  }
  if (*got == 0) {
    fail(base::Error(base::Code::kClosed, "the peer closed the connection"));
    co_return false;
  }
  inbox_.filled(*got);
  const auto piece = inbox_.take(*got);
  co_return feed(piece);
}

bool Http2Session::feed(base::Chunk piece) {
  now_ = base::Clock::now();
  input_ = std::move(piece);
  if (is_server()) empty_frames_.walk(input_.bytes());
  const auto read = nghttp2_session_mem_recv(session_.get(), input_.data(), input_.size());
  input_ = base::Chunk();
  if (read < 0) {
    const auto code = static_cast<int>(read);
    if (code == NGHTTP2_ERR_TOO_MANY_CONTINUATIONS) blame(base::Abuse::kContinuations);
    fail(base::Error(base::Code::kMalformed, std::string("no HTTP/2: ") + nghttp2_strerror(code)));
    return false;
  }
  if (is_server()) count_late_frames();
  if (linger_.size() != 0) end_lingering(now_);
  flush();
  return !over_;
}

// --- responses that are broken off ---

void Http2Session::reset_behind(std::int32_t id, std::uint32_t code, Http2OutBody body,
                                bool head_sent) {
  auto* const session = session_.get();
  const auto room = std::min(nghttp2_session_get_stream_remote_window_size(session, id),
                             nghttp2_session_get_remote_window_size(session));
  const auto most = static_cast<std::size_t>(std::max(room, 0));
  const bool nothing = head_sent && std::min(most, body.bytes()) == 0;
  Http2LastWords::Reset reset{};
  reset.stream = id;
  reset.code = code;
  if (nothing || !last_words_.add(reset, std::move(body), most)) {
    nghttp2_submit_rst_stream(session, NGHTTP2_FLAG_NONE, id, code);
  }
  flush();
}

// So many bytes of a body leave; the head when there are none.
void Http2Session::say_last(std::int32_t id, std::size_t size) {
  const auto reset = last_words_.take(id, size, output_);
  if (!reset) return;
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, reset->code);
}

// Nothing more can leave now. Whether there is an RST_STREAM now.
bool Http2Session::cut_last_words() {
  bool any = false;
  while (const auto reset = last_words_.cut_short()) {
    nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, reset->stream, reset->code);
    any = true;
  }
  return any;
}

// --- requests that were answered before their end ---

void Http2Session::linger(std::int32_t id) {
  if (over_) return;
  if (!linger_.add(id)) {
    reset_unwanted(id);
  } else if (linger_.size() == 1) {
    wake_reader();  // which has a new deadline
  }
}

void Http2Session::reset_unwanted(std::int32_t id) {
  nghttp2_submit_rst_stream(session_.get(), NGHTTP2_FLAG_NONE, id, NGHTTP2_NO_ERROR);
  flush();
}

// A piece of a body that nobody reads.
void Http2Session::drop(std::int32_t id, std::size_t size) {
  nghttp2_session_consume(session_.get(), id, size);
  if (linger_.dropped(id, size)) reset_unwanted(id);
}

// A request ends. Clients that were refused break theirs off, shorter than its Content-Length said:
// nghttp2 would call that an error, were it not too late for one.
void Http2Session::lingered(std::int32_t id) {
  if (linger_.size() != 0 && linger_.remove(id)) reset_unwanted(id);
}

void Http2Session::end_lingering(base::TimePoint now) {
  while (const auto id = linger_.take_late(now)) reset_unwanted(id);
}

// --- breaking ---

// The peer broke the protocol, or we have said our last: GOAWAY is on its way, nothing is read any
// more.
void Http2Session::break_streams() {
  const auto why = floods_.why();
  const std::string detail(why.empty() ? std::string_view("the connection broke HTTP/2's rules")
                                       : why);
  if (!error_ && blamed_) error_ = base::Error(base::Code::kMalformed, detail);
  break_all(base::Error(base::Code::kReset, peer(), detail));
  over_ = true;
  flush();
}

void Http2Session::break_all(const base::Error& error) {
  while (!streams_.empty()) {
    auto& stream = streams_.front();
    streams_.pop_front();
    left_.push_back(stream);
    stream.broke(error);
  }
}

void Http2Session::fail(base::Error error) {
  if (over_ && error_) return;
  error.side = peer();
  over_ = true;
  if (!streams_.empty() || error.code != base::Code::kClosed) error_ = error;
  break_all(error);
  transport_.abort();
  flush();
  written_.set();
}

// --- writing ---

void Http2Session::flush() { work_.set(); }

bool Http2Session::collect() {
  while (output_.bytes() < kBatch) {
    if (nghttp2_session_want_write(session_.get()) == 0 && !cut_last_words()) break;
    const std::uint8_t* data = nullptr;
    const auto size = nghttp2_session_mem_send(session_.get(), &data);
    if (size < 0) {
      fail(base::Error(base::Code::kInternal, nghttp2_strerror(static_cast<int>(size))));
      return false;
    }
    if (size == 0 && !cut_last_words()) break;
    output_.append(base::Bytes(data, static_cast<std::size_t>(size)));
  }
  return !output_.empty();
}

// GOAWAY for what the peer did wrong was written, or both have taken their leave. To nghttp2 the
// notice that more GOAWAY is to follow is a leave already.
bool Http2Session::said_all() const {
  const bool notice = announced_ && !gone_;
  return blamed_ || (!notice && nghttp2_session_want_read(session_.get()) == 0);
}

base::Task<void> Http2Session::write() {
  for (;;) {
    work_.reset();
    const bool any = collect();
    if (!over_ && said_all()) {
      break_streams();
      wake_reader();
    }
    if (!any) {
      if (over_ || stopping_) break;
      limit_writes();  // all is written: it has caught up
      (void)co_await work_.wait();
      continue;
    }
    writing_ = true;
    const auto deadline = base::Deadline::in(options_.write_stall);
    auto sent = co_await transport_.write(output_.pieces(), deadline);
    writing_ = false;
    output_.clear();
    written_.set();
    if (sent) continue;
    if (sent.error().code == base::Code::kTimeout) blame(base::Abuse::kSlowReader);
    fail(std::move(sent.error()));
    break;
  }
}

void Http2Session::limit_writes() {
  if (!is_server()) return;
  transport_.limit_writes(base::LeastRate(options_.least_rate, options_.rate_grace));
}

// --- ending ---

void Http2Session::ping() {
  ping_sent_ = true;
  nghttp2_submit_ping(session_.get(), NGHTTP2_FLAG_NONE, kPing.data());
  flush();
}

void Http2Session::announce_going_away() {
  announced_ = true;
  nghttp2_submit_shutdown_notice(session_.get());  // a PING follows
  flush();
}

void Http2Session::go_away() {
  if (gone_) return;
  gone_ = true;
  const auto last = nghttp2_session_get_last_proc_stream_id(session_.get());
  nghttp2_submit_goaway(session_.get(), NGHTTP2_FLAG_NONE, last, NGHTTP2_NO_ERROR, nullptr, 0);
  flush();
}

void Http2Session::ping_answered() {
  ping_sent_ = false;
  if (announced_) go_away();
}

base::Task<void> Http2Session::stop(base::Deadline deadline) {
  stopping_ = true;
  flush();
  auto ended = co_await gate_.close(deadline);
  if (ended) co_return;
  transport_.abort();
  (void)co_await gate_.close();
}

// --- floods ---

void Http2Session::count(Http2Floods::Kind kind) {
  if (!floods_.count(kind, now_)) flooded(Http2Floods::abuse(kind));
}

// Frames of which nghttp2 told nothing: their streams are over.
void Http2Session::count_late_frames() {
  for (; empty_heard_ < empty_frames_.count(); ++empty_heard_) {
    if (!floods_.count_late(now_)) flooded(base::Abuse::kEmptyData);
  }
}

// A head that may be trailers for a stream that is over: it is decoded, and dropped.
void Http2Session::late_head(std::int32_t id) {
  if (!is_server() || id > newest_stream_) return;
  if (nghttp2_session_find_stream(session_.get(), id) != nullptr) return;
  if (!floods_.count_late(now_)) flooded(base::Abuse::kEmptyData);
}

void Http2Session::count_reset(Http2Floods::Reset kind) {
  if (is_server() && !floods_.count_reset(kind, now_)) flooded(base::Abuse::kResets);
}

void Http2Session::reset_came(std::int32_t id) {
  if (linger_.remove(id)) return;  // it has its answer, and ends a request that nobody wanted
  const auto* const stream =
      static_cast<Http2Stream*>(nghttp2_session_get_stream_user_data(session_.get(), id));
  cut_by_peer_ = id;
  const bool early = stream != nullptr && !stream->was_answered();
  count_reset(early ? Http2Floods::Reset::kEarly : Http2Floods::Reset::kOther);
}

void Http2Session::flooded(base::Abuse kind) {
  if (!std::exchange(flooded_, true)) blame(kind);
  nghttp2_session_terminate_session(session_.get(), NGHTTP2_ENHANCE_YOUR_CALM);
}

}  // namespace gatehouse::http
