#include "http/http2_server.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>
#include <utility>

#include "http/http2_callbacks.h"
#include "http/linger.h"
#include "http/serialise.h"

namespace gatehouse::http {

namespace {

Http2Hooks hooks_of(Http2Server* server, Http2Stream* (*begun)(void*, std::int32_t),
                    void (*head)(void*, Http2Stream&, Http2HeadFields&, bool)) {
  Http2Hooks hooks;
  hooks.owner = server;
  hooks.begun = begun;
  hooks.head = head;
  return hooks;
}

}  // namespace

Http2Server::Http2Server(tls::Transport& transport, const Http2Options& options, base::Chunk first)
    : options_(options),
      session_(transport, Http2Session::Role::kServer, options,
               hooks_of(this, &Http2Server::begun, &Http2Server::head)),
      first_(std::move(first)),
      place_(options.idle_clients, &Http2Server::let_go, this) {}

Http2Server::~Http2Server() = default;

// --- told by the session ---

Http2Stream* Http2Server::begun(void* self, std::int32_t id) {
  auto& server = *static_cast<Http2Server*>(self);
  // What counts is work, not streams: a stream that was reset may still keep an upstream busy.
  const auto under_way =
      server.exchanges_ + server.arrived_.size() + server.own_.size() + server.session_.parting();
  if (server.options_.streams != 0 && under_way >= server.options_.streams) {
    server.session_.blame(base::Abuse::kStreams);
    return nullptr;
  }
  auto stream = std::make_unique<Http2ServerStream>(server, server.session_, id);
  auto* const begun = stream.get();
  server.own_.emplace(id, std::move(stream));
  server.note_idle();
  return begun;
}

void Http2Server::head(void* self, Http2Stream& stream, Http2HeadFields& head, bool ended) {
  auto& server = *static_cast<Http2Server*>(self);
  const auto found = server.own_.find(stream.id());
  if (found == server.own_.end()) return;
  auto& own = *found->second;
  auto refusal = read_http2_request(head, ended, own.head_);
  const auto limit = server.options_.body_bytes;
  if (!refusal && limit != 0 && own.head_.content_length > limit) {
    refusal = Refusal(413, "the body is larger than the limit");
  }
  if (refusal) {
    count(server.options_.abuse, refusal);
    own.head_.method.assign(head.method);
    own.answer_refused(refusal);
    return;
  }
  own.owes_continue_ = own.head_.expect_continue;
  if (may_be_silent(own.head_.fields)) {
    own.body_idle_ = server.options_.stream_idle;
    own.let_body_be_slow();
  }
  server.arrived_.push_back(std::move(found->second));
  server.own_.erase(found);
}

void Http2Server::left() {
  --exchanges_;
  worked_ = base::Clock::now();
  note_idle();
  // What waits for the client may have to end now.
  if (draining_ && exchanges_ == 0) session_.wake_reader();
}

// Whether its end would cost no request.
void Http2Server::note_idle() {
  if (!draining_ && !session_.over() && exchanges_ == 0 && arrived_.empty() && own_.empty()) {
    place_.enter();
  } else {
    place_.leave();
  }
}

// --- from request to request ---

// When next() has to look whether something must be done, though nothing came.
base::Deadline Http2Server::wake_up() const {
  auto wake = notice_.min(session_.lingering().deadline());
  // A refusal ends without waking us; its request lingers from then on.
  if (!own_.empty()) wake = wake.min(base::Deadline::in(Http2Linger::kTime));
  if (session_.head_under_way()) {
    return wake.min(base::Deadline(session_.head_began() + options_.request_head));
  }
  if (exchanges_ == 0) {
    const auto since = std::max(worked_, heard_);
    const auto most = place_.keep_alive(options_.idle);
    if (most.count() > 0) wake = wake.min(base::Deadline(since + most));
    return wake;
  }
  // The last exchange ends without waking us: its connection must not be idle for much longer.
  if (options_.idle.count() > 0) wake = wake.min(base::Deadline::in(options_.idle));
  const auto patience = session_.pinged() ? options_.ping + options_.ping_answer : options_.ping;
  return wake.min(base::Deadline(std::max(worked_, heard_) + patience));
}

// After a wait without news: whether the connection is to end.
bool Http2Server::wait_is_over() {
  const auto now = base::Clock::now();
  if (session_.holds_bodies_back()) heard_ = now;  // whatever it says: nobody listens
  if (draining_ && notice_.passed()) {
    session_.go_away();
    notice_ = base::Deadline();
  }
  session_.end_lingering(now);
  if (session_.head_under_way()) {
    if (now < session_.head_began() + options_.request_head) return false;
    session_.blame(base::Abuse::kSlowHead);
    session_.fail(base::Error(base::Code::kTimeout, "a head did not come in time"));
    return true;
  }
  const auto quiet = now - std::max(worked_, heard_);
  const auto most = place_.keep_alive(options_.idle);
  if (exchanges_ == 0) return most.count() > 0 && quiet >= most;
  if (!session_.pinged()) {
    if (quiet >= options_.ping) session_.ping();
    return false;
  }
  if (quiet < options_.ping + options_.ping_answer) return false;
  session_.fail(base::Error(base::Code::kTimeout, "the client answers no PING"));
  return true;
}

base::Result<std::unique_ptr<ServerStream>> Http2Server::ended() {
  place_.leave();
  if (session_.error()) return base::fail(*session_.error());
  return std::unique_ptr<ServerStream>();
}

base::Task<base::Result<std::unique_ptr<ServerStream>>> Http2Server::next() {
  if (!first_.empty()) {
    auto first = std::move(first_);
    first_ = base::Chunk();
    session_.feed(std::move(first));
  }
  while (arrived_.empty()) {
    std::erase_if(own_, [](const auto& one) { return one.second->is_over(); });
    const bool drained =
        session_.gone() && exchanges_ == 0 && own_.empty() && session_.lingering().size() == 0;
    if (session_.over() || drained) co_return ended();
    note_idle();
    auto more = co_await session_.receive(wake_up());
    if (more) {
      heard_ = base::Clock::now();
      continue;
    }
    if (wait_is_over()) {
      session_.go_away();
      co_return ended();
    }
  }
  auto stream = std::move(arrived_.front());
  arrived_.erase(arrived_.begin());
  stream->counted_ = true;
  ++exchanges_;
  co_return std::unique_ptr<ServerStream>(std::move(stream));
}

void Http2Server::set_draining() {
  if (draining_) return;
  draining_ = true;
  place_.leave();
  if (session_.over()) return;
  notice_ = base::Deadline::in(kNotice);
  session_.announce_going_away();
  session_.wake_reader();
}

base::Task<void> Http2Server::end() {
  arrived_.clear();
  own_.clear();
  co_await session_.stop(base::Deadline::in(kDrainTime));
  if (session_.transport().socket().is_open()) co_await linger(session_.transport());
}

// --- a stream ---

Http2ServerStream::Http2ServerStream(Http2Server& server, Http2Session& session, std::int32_t id)
    : Http2Stream(session, base::Side::kDownstream),
      server_(&server),
      body_limit_(session.options().body_bytes),
      body_idle_(session.options().body_idle) {
  opened(id);
}

Http2ServerStream::~Http2ServerStream() {
  if (counted_ && session() != nullptr) server_->left();
}

void Http2ServerStream::answer_refused(const Refusal& refusal) {
  ResponseHead answer;
  answer.status = refusal.status;
  answer.fields.add("Content-Type", "text/plain; charset=utf-8");
  if (refusal.status == 405) {
    answer.fields.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  }
  std::string body(reason_phrase(refusal.status));
  body += ": ";
  body += refusal.why;
  body += ".\n";
  const bool to_head = head_.method == "HEAD";
  Http2Block block;
  block.response(answer, true, body.size());
  answered_ = true;
  Http2Callbacks::submit_response(session()->get(), id(), block, !to_head);
  if (!to_head) say_all(base::Chunk::copy_of(base::as_bytes(body)));
}

base::Task<base::Result<base::Chunk>> Http2ServerStream::read() {
  if (owes_continue_ && !answered_) {
    ResponseHead go_on;
    go_on.status = 100;
    (void)co_await write_interim(go_on);
  }
  const auto idle = tunnel_ ? base::Duration(0) : body_idle_;
  auto piece = co_await read_piece(idle);
  if (piece && body_limit_ != 0 && !tunnel_ && received_ > body_limit_) {
    if (session() != nullptr) session()->blame(base::Abuse::kBodyTooLarge);
    co_return base::fail(base::Code::kTooLarge, base::Side::kDownstream,
                         "the body is larger than the limit");
  }
  co_return piece;
}

void Http2ServerStream::when_cancelled(void (*hook)(void*), void* owner) {
  hook_ = hook;
  owner_ = owner;
  const bool gone = !open() && (read_error() || write_error());
  if (hook != nullptr && gone) std::exchange(hook_, nullptr)(owner);
}

base::Task<base::Result<void>> Http2ServerStream::write_interim(const ResponseHead& head) {
  const bool unwanted = answered_ || !open() || session() == nullptr || head.status == 101;
  if (unwanted) co_return base::Result<void>();
  if (head.status == 100) owes_continue_ = false;
  Http2Block block;
  block.response(head, false, 0);
  Http2Callbacks::submit_interim(session()->get(), id(), block);
  flush_frames();
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Http2ServerStream::write_head(const ResponseHead& head) {
  answered_ = true;
  if (write_error()) co_return base::fail(*write_error());
  if (!open() || session() == nullptr) {
    co_return base::fail(base::Code::kReset, base::Side::kDownstream, "the stream is closed");
  }
  Http2Block block;
  if (head.status == 101) {
    // The tunnel's 200 (RFC 8441 5); what HTTP/1.1 proves by fields the stream does by itself.
    tunnel_ = true;
    let_body_be_slow();
    let_reader_be_slow();
    ResponseHead opened = head;
    opened.status = 200;
    opened.fields.remove("Sec-WebSocket-Accept");
    block.response(opened, false, 0);
    Http2Callbacks::submit_response(session()->get(), id(), block, true);
  } else {
    const auto framing = frame_response(head_, head, false);
    block.response(head, framing.says_length, framing.length);
    const bool body = framing.kind != BodyKind::kNone;
    if (!body) no_body();
    if (may_be_silent(head.fields)) let_reader_be_slow();
    Http2Callbacks::submit_response(session()->get(), id(), block, body);
  }
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Http2ServerStream::write(base::Chunk chunk) {
  return write_piece(std::move(chunk));
}

base::Task<base::Result<void>> Http2ServerStream::flush() {
  flush_frames();
  co_return base::Result<void>();
}

base::Task<base::Result<void>> Http2ServerStream::finish(const Fields& trailers) {
  end_body(trailers);
  flush_frames();
  return wait_for_end();
}

void Http2ServerStream::reset(base::Code why) {
  switch (why) {
    case base::Code::kCancelled: return reset_behind_body(NGHTTP2_CANCEL);
    case base::Code::kOverload: return reset_behind_body(NGHTTP2_ENHANCE_YOUR_CALM);
    default: return reset_behind_body(NGHTTP2_INTERNAL_ERROR);
  }
}

}  // namespace gatehouse::http
