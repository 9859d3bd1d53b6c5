#include "http/http1_server.h"

#include "http/http1_tunnel.h"
#include "http/linger.h"
#include "http/serialise.h"

namespace gatehouse::http {

namespace {

const Fields kNoTrailers;

constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

base::Code code_of(std::uint16_t status) {
  switch (status) {
    case 408: return base::Code::kTimeout;
    case 413:
    case 414:
    case 431: return base::Code::kTooLarge;
    case 405:
    case 417:
    case 501:
    case 505: return base::Code::kUnsupported;
    default: return base::Code::kMalformed;
  }
}

base::Error downstream(base::Error error) {
  error.side = base::Side::kDownstream;
  return error;
}

}  // namespace

Http1Server::Http1Server(tls::Transport& transport, Http1ServerOptions options)
    : transport_(transport),
      options_(options),
      inbox_(transport.socket().loop().buffers()),
      reader_(Http1Head::Kind::kRequest, options.head),
      body_(base::Side::kDownstream),
      writer_(transport, options.write_stall, base::Side::kDownstream),
      place_(options.idle_clients, &Http1Server::let_go, this),
      unwatched_(transport.socket().loop()) {}

void Http1Server::set_draining() {
  draining_ = true;
  if (waiting_idle_) transport_.socket().interrupt();
}

void Http1Server::end() {
  state_ = State::kEnded;
  inbox_.clear();
}

base::Task<base::Result<std::size_t>> Http1Server::fill(base::MutableBytes room,
                                                        base::Deadline deadline) {
  auto got = co_await transport_.read(room, deadline);
  if (!got) co_return base::fail(downstream(std::move(got.error())));
  inbox_.filled(*got);
  if (*got == 0) input_ended_ = true;
  co_return got;
}

// --- from request to request ---

base::Task<base::Result<ServerStream*>> Http1Server::next() {
  ServerStream* const none = nullptr;
  if (state_ == State::kExchange) {
    const bool goes_on = co_await retire();
    if (!goes_on) end();
  }
  if (state_ == State::kEnded) co_return none;
  auto came = co_await wait_for_request();
  if (came && *came) came = co_await read_head();
  if (!came) {
    end();
    co_return base::fail(std::move(came.error()));
  }
  if (!*came) {
    end();
    co_return none;
  }
  if (is_http2_preface()) {
    state_ = State::kEnded;
    co_return none;
  }
  auto refusal = reader_.refusal();
  if (!refusal) refusal = accept_head();
  if (refusal) co_return co_await refuse(refusal);
  co_return static_cast<ServerStream*>(this);
}

// Gives back what an idle connection needs not hold.
void Http1Server::rest() {
  inbox_.release();
  writer_.release();
  reader_.release();
  head_.release();
}

// True when the first byte of a head is there; false when the connection ends without one.
base::Task<base::Result<bool>> Http1Server::wait_for_request() {
  if (!inbox_.empty()) co_return true;
  rest();
  if (state_ == State::kFresh || draining_) {
    // A new connection's first bytes are mostly there already; a draining one serves only those.
    const auto got = transport_.try_read(inbox_.room(kHeadRead));
    if (got && *got != 0) {
      inbox_.filled(*got);
      co_return true;
    }
    inbox_.release();
    const bool nothing_yet = !got && got.error().code == base::Code::kOverload;
    if (!nothing_yet || draining_) co_return false;
  }
  const auto& loop = transport_.socket().loop();
  const auto deadline = base::Deadline::in(place_.keep_alive(options_.idle), loop.turn_began());
  while (true) {
    waiting_idle_ = true;
    place_.enter(loop.turn_began());
    const auto waited = co_await transport_.wait_readable(deadline);
    waiting_idle_ = false;
    place_.leave();
    // Even when the wait was cut short: a request may have come at that moment.
    const auto got = transport_.try_read(inbox_.room(kHeadRead));
    if (got && *got != 0) {
      inbox_.filled(*got);
      co_return true;
    }
    inbox_.release();
    // Readable without bytes for us: records of TLS itself. Everything else is the end.
    const bool nothing_yet = !got && got.error().code == base::Code::kOverload;
    if (!waited || !nothing_yet || draining_) co_return false;
  }
}

// Reads until it has a whole head or a refusal: true. False when the client left with not
// more than an empty line sent.
base::Task<base::Result<bool>> Http1Server::read_head() {
  reader_.restart();
  refused_status_ = 0;
  const bool more = reader_.look(inbox_.bytes()) == Http1Head::Verdict::kMore;
  return more ? read_rest_of_head() : base::at_once<base::Result<bool>>(true);
}

base::Task<base::Result<bool>> Http1Server::read_rest_of_head() {
  const auto deadline = base::Deadline::in(options_.request_head);
  do {
    const auto room = inbox_.room(kHeadRead);
    auto got = co_await fill(room, deadline);
    if (!got && got.error().code == base::Code::kTimeout) {
      base::count(options_.abuse, base::Abuse::kSlowHead);
      reader_.give_up(408, "the head did not come in time");
      break;
    }
    if (!got) co_return base::fail(std::move(got.error()));
    if (*got != 0) continue;
    if (inbox_.text().find_first_not_of("\r\n") == std::string_view::npos) co_return false;
    co_return base::fail(base::Code::kClosed, base::Side::kDownstream,
                         "the client ended in the middle of a head");
  } while (reader_.look(inbox_.bytes()) == Http1Head::Verdict::kMore);
  co_return true;
}

// Its first line is enough: nobody else's begins so, and the rest is for HTTP/2 to check.
bool Http1Server::is_http2_preface() {
  saw_http2_ =
      options_.http2 && state_ == State::kFresh && inbox_.text().starts_with("PRI * HTTP/2.0\r\n");
  return saw_http2_;
}

Refusal Http1Server::accept_head() {
  const auto refusal = read_request(reader_.raw(), head_, persistence_);
  if (refusal) return refusal;
  const bool too_large = options_.body_bytes != 0 && head_.body == BodyKind::kLength &&
                         head_.content_length > options_.body_bytes;
  if (too_large) return Refusal(413, "the body is larger than the limit");
  inbox_.consume(reader_.end());
  begin_body();
  writer_.allow_interim();
  owes_continue_ = head_.expect_continue;
  if (!inbox_.empty()) head_.expect_continue = false;  // it does not wait: the body is here
  input_broken_ = answered_ = false;
  state_ = State::kExchange;
  return Refusal();
}

void Http1Server::begin_body() {
  body_.begin(head_.body, head_.content_length, options_.body_bytes);
  const bool silent = may_be_silent(head_.fields);
  body_idle_ = silent ? options_.stream_idle : options_.body_idle;
  body_rate_ = base::LeastRate(silent ? 0 : options_.least_rate, options_.rate_grace);
}

// Answers a head that nobody else will see, and ends the connection so that the answer arrives.
base::Task<base::Result<ServerStream*>> Http1Server::refuse(Refusal refusal) {
  refused_status_ = refusal.status;
  count(options_.abuse, refusal);
  base::Error error(code_of(refusal.status), base::Side::kDownstream, std::string(refusal.why));
  ResponseHead head;
  head.status = refusal.status;
  head.fields.add("Content-Type", "text/plain; charset=utf-8");
  if (refusal.status == 405)
    head.fields.add("Allow", "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS");
  std::string body(reason_phrase(refusal.status));
  body += ": ";
  body += refusal.why;
  body += ".\n";
  ResponseFraming framing;
  framing.says_length = framing.close = true;
  framing.length = body.size();
  const bool to_head = inbox_.text().substr(reader_.begin()).starts_with("HEAD ");
  auto& text = writer_.begin(BodyKind::kNone, 0);
  append_response_head(text, head, framing);
  if (!to_head) text += body;
  auto sent = co_await writer_.flush();
  if (sent) co_await linger(transport_);
  end();
  co_return base::fail(std::move(error));
}

// Ends an exchange. Whether another may follow.
base::Task<bool> Http1Server::retire() {
  state_ = State::kIdle;
  const bool plain = !watching_ && !writer_.failed() && !was_reset_ && answered_ &&
                     writer_.ended() && body_.ended() && !input_broken_ && !input_ended_;
  if (plain && persistence_ == Persistence::kKeepAlive) return base::at_once(true);
  return end_exchange();
}

base::Task<bool> Http1Server::end_exchange() {
  co_await stop_watching();
  if (writer_.timed_out()) base::count(options_.abuse, base::Abuse::kSlowReader);
  if (was_reset_ || writer_.failed()) co_return false;
  if (!answered_ || !writer_.ended()) {
    reset(base::Code::kTimeout);
    co_return false;
  }
  bool goes_on = persistence_ == Persistence::kKeepAlive && !input_broken_ && !input_ended_;
  // A client that still waits for 100 may send the body or leave it out: nobody can tell.
  if (owes_continue_ && !body_.ended()) goes_on = false;
  if (goes_on && !body_.ended()) goes_on = co_await drain();
  if (!goes_on && !input_ended_ && more_to_come()) co_await linger(transport_);
  co_return goes_on;
}

// Whether the client has sent, or is about to send, what nobody will read.
bool Http1Server::more_to_come() {
  if (!body_.ended() || !inbox_.empty()) return true;
  const auto got = transport_.try_read(inbox_.room(kHeadRead));
  return got && *got != 0;
}

// Reads and drops the rest of a body that nobody wanted, within bounds.
base::Task<bool> Http1Server::drain() {
  const auto deadline = base::Deadline::in(kDrainTime);
  std::size_t dropped = 0;
  while (true) {
    const auto taken = body_.take(inbox_);
    if (!taken) co_return false;
    if (body_.ended()) co_return true;
    if (dropped > kDrainBytes || body_.remaining() > kDrainBytes) co_return false;
    const auto room = inbox_.body_room();
    const auto got = co_await fill(room, deadline);
    if (!got || *got == 0) co_return false;
    dropped += *got;
  }
}

// --- ServerStream ---

base::Task<base::Result<base::Chunk>> Http1Server::read() {
  if (tunnel_) co_return co_await read_tunnel();
  if (owes_continue_ && !answered_) {
    owes_continue_ = false;
    auto sent = co_await writer_.write_interim(base::Text(kContinue));
    if (!sent) co_return base::fail(std::move(sent.error()));
  }
  while (!body_.ended()) {
    auto taken = body_.take(inbox_);
    if (!taken) input_broken_ = true;
    const bool large = !taken && taken.error().code == base::Code::kTooLarge;
    if (large) base::count(options_.abuse, base::Abuse::kBodyTooLarge);
    if (!taken || !taken->empty()) co_return taken;
    if (body_.ended()) break;
    body_rate_.begin(base::Clock::now());
    const auto slow = body_rate_.deadline();
    const auto room = inbox_.body_room();
    auto got = co_await fill(room, base::Deadline::in(body_idle_).min(slow));
    body_rate_.end(base::Clock::now());
    if (got) body_rate_.moved(*got);
    if (got && *got != 0) continue;
    const bool late = !got && got.error().code == base::Code::kTimeout;
    if (late) base::count(options_.abuse, base::Abuse::kSlowBody);
    if (late && slow.passed()) got.error().detail = "the body comes too slowly";
    // A reader that was stopped leaves the body where it is: the rest may yet come, and be dropped.
    input_broken_ = got || got.error().code != base::Code::kCancelled;
    if (!got) co_return base::fail(std::move(got.error()));
    auto cut = body_.end_of_input(false);
    co_return base::fail(std::move(cut.error()));
  }
  co_return base::Chunk();
}

base::Task<base::Result<void>> Http1Server::write_interim(const ResponseHead& head) {
  const bool unwanted = answered_ || head_.version == Version::kHttp10 || head.status == 101;
  if (unwanted) return nothing_to_do();
  if (head.status == 100) owes_continue_ = false;
  base::Text text;
  append_interim_head(text, head);
  return writer_.write_interim(std::move(text));
}

base::Task<base::Result<void>> Http1Server::write_head(const ResponseHead& head) {
  answered_ = true;
  if (head.status == 101) return base::at_once(open_tunnel(head));
  const bool too_much_unread =
      !body_.ended() && (owes_continue_ || input_broken_ || body_.remaining() > kDrainBytes);
  const bool close = persistence_ == Persistence::kClose || draining_ || too_much_unread;
  const auto framing = frame_response(head_, head, close);
  if (framing.close) persistence_ = Persistence::kClose;
  append_response_head(writer_.begin(framing.kind, framing.length), head, framing);
  const bool silent = may_be_silent(head.fields);
  transport_.limit_writes(base::LeastRate(silent ? 0 : options_.least_rate, options_.rate_grace));
  if (silent) watch();
  return nothing_to_do();
}

base::Task<base::Result<void>> Http1Server::write(base::Chunk chunk) {
  return writer_.write(std::move(chunk));
}

base::Task<base::Result<void>> Http1Server::finish(const Fields& trailers) {
  if (tunnel_) return finish_tunnel();
  // RFC 9110 6.5.1: only a client that said so keeps them, or reads them at all.
  const bool wanted = !trailers.empty() && head_.fields.has_token(FieldName::kTe, "trailers");
  return writer_.finish(wanted ? trailers : kNoTrailers);
}

// --- a client that only listens ---

// The answer may be silent for hours, and no request comes before its end: whether the client is
// still there must be looked for. Not when another request has come already.
void Http1Server::watch() {
  transport_.socket().keep_alive();
  if (!body_.ended() || !inbox_.empty() || input_ended_) return;
  watching_ = true;
  unwatched_.reset();
  transport_.socket().loop().spawn(watch_client(), "watch a client");
}

base::Task<void> Http1Server::watch_client() {
  while (watching_) {
    const auto waited = co_await transport_.wait_readable(base::Deadline::never());
    if (!waited) break;  // stop_watching(), or the connection was closed
    const auto got = transport_.try_read(inbox_.room(kHeadRead));
    const bool nothing_yet = !got && got.error().code == base::Code::kOverload;
    if (got) inbox_.filled(*got);
    inbox_.release();
    if (nothing_yet) continue;
    const bool gone = !got || *got == 0;
    if (gone) input_ended_ = true;
    if (gone && hook_ != nullptr) hook_(owner_);
    break;
  }
  watching_ = false;
  unwatched_.set();
}

base::Task<void> Http1Server::stop_watching() {
  if (!watching_) co_return;
  watching_ = false;
  transport_.socket().interrupt();
  (void)co_await unwatched_.wait();
}

// --- tunnel ---

base::Result<void> Http1Server::open_tunnel(const ResponseHead& head) {
  if (head_.upgrade.empty()) {
    return base::fail(base::Code::kInternal, "101 for a client that did not ask for it");
  }
  tunnel_ = true;
  persistence_ = Persistence::kClose;
  transport_.socket().keep_alive();
  transport_.limit_writes(base::LeastRate());
  append_switch_head(writer_.begin(BodyKind::kUntilClose, 0), head, head_);
  return {};
}

base::Task<base::Result<base::Chunk>> Http1Server::read_tunnel() {
  if (inbox_.empty() && !input_ended_) {
    auto got = co_await receive(transport_, inbox_);
    if (!got) co_return base::fail(downstream(std::move(got.error())));
    input_ended_ = *got == 0;
  }
  co_return take_all(inbox_);
}

base::Task<base::Result<void>> Http1Server::finish_tunnel() {
  auto finished = co_await writer_.finish(kNoTrailers);
  if (finished) co_await transport_.shutdown_send(base::Deadline::in(options_.write_stall));
  co_return finished;
}

void Http1Server::reset(base::Code) {
  if (was_reset_) return;
  was_reset_ = true;
  if (answered_) {
    transport_.abort();
  } else {
    transport_.close();
  }
}

}  // namespace gatehouse::http
