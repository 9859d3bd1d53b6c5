#include "http/http2_client.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

#include "http/http2_callbacks.h"
#include "http/websocket.h"

namespace gatehouse::http {

namespace {

Http2Hooks hooks_of(Http2Client* client, void (*head)(void*, Http2Stream&, Http2HeadFields&, bool),
                    void (*going_away)(void*, std::int32_t), void (*settings)(void*)) {
  Http2Hooks hooks;
  hooks.owner = client;
  hooks.head = head;
  hooks.going_away = going_away;
  hooks.settings = settings;
  return hooks;
}

}  // namespace

Http2Client::Http2Client(tls::Transport transport, const Http2Options& options)
    : transport_(std::move(transport)),
      options_(options),
      session_(
          transport_, Http2Session::Role::kClient, options_,
          hooks_of(this, &Http2Client::head, &Http2Client::going_away, &Http2Client::settings)) {}

void Http2Client::head(void*, Http2Stream& stream, Http2HeadFields& head, bool ended) {
  static_cast<Http2ClientStream&>(stream).head_came(head, ended);
}

void Http2Client::going_away(void* self, std::int32_t) {
  auto& client = *static_cast<Http2Client*>(self);
  client.going_away_ = true;
  client.changed();
}

void Http2Client::settings(void* self) {
  auto& client = *static_cast<Http2Client*>(self);
  client.ready_ = true;
  client.changed();
}

void Http2Client::when_changed(void (*hook)(void*), void* owner) {
  hook_ = hook;
  owner_ = owner;
}

void Http2Client::changed() {
  if (hook_ != nullptr) hook_(owner_);
}

// --- the connection ---

// Also without streams, since nobody wakes the reader when one is opened.
base::Deadline Http2Client::wake_up() const {
  if (options_.ping.count() <= 0) return base::Deadline();
  if (session_.pinged()) return base::Deadline(asked_ + options_.ping_answer);
  return base::Deadline(heard_ + options_.ping);
}

// After a wait without news: asks by a PING first.
bool Http2Client::silent_for_too_long() {
  const auto now = base::Clock::now();
  if (options_.ping.count() <= 0 || now < wake_up().at()) return false;
  if (streams_ == 0) {
    heard_ = now;  // nobody waits
    return false;
  }
  const bool asked = session_.pinged();
  if (asked && heard_ < asked_) return true;
  asked_ = now;
  if (!asked) session_.ping();
  return false;
}

base::Task<void> Http2Client::run() {
  while (!session_.over() && !closing_) {
    if (streams_ == 0 && (draining_ || going_away_)) break;
    auto more = co_await session_.receive(wake_up());
    if (more) {
      heard_ = base::Clock::now();
    } else if (silent_for_too_long()) {
      session_.fail(base::Error(base::Code::kTimeout, "the upstream answers no PING"));
    }
  }
  going_away_ = true;
  session_.go_away();
  session_.break_streams();
  co_await session_.stop(base::Deadline::in(kGoodbye));
  transport_.close();
}

bool Http2Client::available() const {
  if (!ready_ || ended()) return false;
  auto* const session = session_.get();
  const auto most =
      nghttp2_session_get_remote_settings(session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  return streams_ < std::min(most, kMostStreams) &&
         nghttp2_session_check_request_allowed(session) != 0;
}

std::unique_ptr<ClientStream> Http2Client::open() {
  return std::make_unique<Http2ClientStream>(*this, session_);
}

void Http2Client::left() {
  --streams_;
  idle_since_ = base::Clock::now();
  if (streams_ == 0 && (draining_ || going_away_)) session_.wake_reader();
  changed();
}

// An answer came before the end of its request, of which `bytes` were sent: what the first window
// was for may be unread.
void Http2Client::left_unread(std::uint64_t bytes) {
  const std::uint64_t window =
      nghttp2_session_get_remote_settings(session_.get(), NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE);
  unread_ += std::min(bytes, window);
  if (unread_ >= kUnreadMost && !draining_) drain();
}

void Http2Client::drain() {
  draining_ = true;
  session_.wake_reader();
}

void Http2Client::close() {
  draining_ = closing_ = true;
  session_.wake_reader();
}

// --- a stream ---

Http2ClientStream::Http2ClientStream(Http2Client& client, Http2Session& session)
    : Http2Stream(session, base::Side::kUpstream),
      client_(&client),
      response_head_(session.options().response_head),
      body_idle_(session.options().body_idle),
      stream_idle_(session.options().stream_idle) {
  reused_ = client.exchanges_++ != 0;
  ++client.streams_;
}

Http2ClientStream::~Http2ClientStream() {
  if (session() == nullptr) return;
  if (has_final_ && !output_is_over()) client_->left_unread(sent());
  client_->left();
}

void Http2ClientStream::head_came(Http2HeadFields& fields, bool ended) {
  if (!bad_.empty()) return;
  ResponseHead head;
  auto refusal = read_http2_response(fields, ended, to_head_, tunnel_, head);
  const bool interim = head.status < 200 && head.status != 101;
  if (!refusal && interim && ++interim_heads_ > kInterimHeads) {
    refusal = Refusal(502, "too many interim responses");
  }
  if (refusal) {
    bad_ = "bad response: " + std::string(refusal.why);
    news_.set();
    return;
  }
  has_final_ = has_final_ || !interim;
  never_has_body_ = head.status >= 200 && (to_head_ || never_has_body(head.status));
  if (head.status != 100 || expects_) heads_.push_back(std::move(head));
  news_.set();
}

base::Error Http2ClientStream::mark(base::Error error) const {
  error.side = base::Side::kUpstream;
  const bool went_away = error.code == base::Code::kClosed || error.code == base::Code::kReset;
  if (error.retry == base::Retry::kNo && went_away && reused_ && broken_by_connection() &&
      interim_heads_ == 0 && !has_final_) {
    error.retry = base::Retry::kReused;
  }
  return error;
}

std::unexpected<base::Error> Http2ClientStream::unsent(base::Error error) {
  unsent_ = error;
  return base::fail(std::move(error));
}

base::Task<base::Result<void>> Http2ClientStream::send_head(const RequestHead& head) {
  began_ = base::Clock::now();
  to_head_ = head.method == "HEAD";
  expects_ = head.expect_continue;
  tunnel_ = !head.upgrade.empty();
  if (session() == nullptr || session()->over() || client_->going_away_) {
    co_return unsent(base::Error(base::Code::kClosed, base::Side::kUpstream, base::Retry::kYes,
                                 "the connection takes no more requests"));
  }
  auto* const nghttp2 = session()->get();
  if (tunnel_ &&
      nghttp2_session_get_remote_settings(nghttp2, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) != 1) {
    co_return unsent(base::Error(base::Code::kUnsupported, base::Side::kUpstream,
                                 "the upstream has no tunnels over HTTP/2 (RFC 8441)"));
  }
  if (const auto key = head.fields.find(FieldName::kSecWebSocketKey); tunnel_ && key) {
    key_ = *key;
  }
  Http2Block block;
  block.request(head, session()->transport().is_tls() ? "https" : "http");
  const bool body = tunnel_ || head.body != BodyKind::kNone;
  if (!body) no_body();
  const auto id = Http2Callbacks::submit_request(nghttp2, *this, block, body);
  if (id == 0) {
    co_return unsent(base::Error(base::Code::kClosed, base::Side::kUpstream, base::Retry::kYes,
                                 "the connection is out of streams"));
  }
  opened(id);
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Http2ClientStream::write(base::Chunk chunk) {
  return write_piece(std::move(chunk));
}

base::Task<base::Result<void>> Http2ClientStream::flush() {
  flush_frames();
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Http2ClientStream::finish(const Fields& trailers) {
  if (!tunnel_ || tunnel_open_) end_body(trailers);
  flush_frames();
  if (write_error()) co_return base::fail(*write_error());
  co_return base::Result<void>();
}

base::Deadline Http2ClientStream::head_deadline() const {
  if (response_head_.count() <= 0) return base::Deadline();
  return base::Deadline(std::max(began_, progress()) + response_head_);
}

base::Task<base::Result<ResponseHead>> Http2ClientStream::read_head() {
  auto deadline = head_deadline();
  while (heads_.empty()) {
    if (unsent_) co_return base::fail(*unsent_);
    if (!bad_.empty()) {
      reset_stream(NGHTTP2_PROTOCOL_ERROR);
      co_return base::fail(base::Code::kMalformed, base::Side::kUpstream, bad_);
    }
    if (read_error()) co_return base::fail(mark(*read_error()));
    if (input_is_over()) {
      co_return base::fail(base::Code::kClosed, base::Side::kUpstream,
                           "the upstream ended the stream without an answer");
    }
    news_.reset();
    auto told = co_await news_.wait(deadline);
    if (told) continue;
    // Meanwhile more of the request may have left.
    deadline = head_deadline();
    if (!deadline.passed()) continue;
    reset_stream(NGHTTP2_CANCEL);
    co_return base::fail(base::Code::kTimeout, base::Side::kUpstream,
                         "the upstream did not answer in time");
  }
  auto head = std::move(heads_.front());
  heads_.pop_front();
  idle_ = may_be_silent(head.fields) ? stream_idle_ : body_idle_;
  if (tunnel_ && head.status >= 200) end_body(Fields());  // refused: there is no more to say
  if (head.status == 101) {
    tunnel_open_ = true;
    idle_ = base::Duration(0);
    if (!key_.empty()) head.fields.set(FieldName::kSecWebSocketAccept, websocket_accept(key_));
  }
  co_return head;
}

base::Task<base::Result<base::Chunk>> Http2ClientStream::read() {
  auto piece = co_await read_piece(idle_);
  if (!piece && never_has_body_) co_return base::Chunk();  // all that counts has come
  if (!piece) co_return base::fail(mark(std::move(piece.error())));
  co_return piece;
}

void Http2ClientStream::reset() { reset_stream(NGHTTP2_CANCEL); }

}  // namespace gatehouse::http
