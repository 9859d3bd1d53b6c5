#include "http/http1_client.h"

#include "http/http1_tunnel.h"
#include "http/serialise.h"
#include "http/websocket.h"

namespace gatehouse::http {

namespace {

std::unexpected<base::Error> cut_off() {
  return base::fail(base::Code::kReset, "the upstream broke off while the request was being sent");
}

}  // namespace

Http1Client::Http1Client(tls::Transport transport, Http1ClientOptions options)
    : transport_(std::move(transport)),
      options_(options),
      inbox_(transport_.socket().loop().buffers()),
      reader_(Http1Head::Kind::kResponse, options.head),
      body_(base::Side::kUpstream),
      writer_(transport_, options.write_stall, base::Side::kUpstream) {}

bool Http1Client::reusable() const {
  const bool over = has_head_ && body_.ended() && !first_ && writer_.ended();
  return over && !broken_ && !writer_.failed() && inbox_.empty() &&
         persistence_ == Persistence::kKeepAlive;
}

bool Http1Client::still_idle() {
  if (broken_ || !inbox_.empty()) return false;
  if (transport_.is_quiet()) return true;
  // TLS may have records of its own to read, session tickets: those are no answer.
  const auto got = transport_.try_read(inbox_.room(kHeadRead));
  inbox_.release();
  broken_ = got || got.error().code != base::Code::kOverload;
  return !broken_;
}

void Http1Client::limit(base::Deadline overall) {
  overall_ = overall;
  writer_.limit(overall);
}

void Http1Client::close() {
  broken_ = true;
  transport_.close();
}

// --- request ---

base::Task<base::Result<void>> Http1Client::send_head(const RequestHead& head) {
  const bool used_before = exchanges_++ != 0;
  to_head_ = std::string_view(head.method) == "HEAD";
  expects_ = head.expect_continue;
  upgrade_ = head.upgrade;
  accept_.clear();
  if (!upgrade_.empty()) {
    const auto key = head.fields.find(FieldName::kSecWebSocketKey);
    if (key) accept_ = websocket_accept(*key);
  }
  answered_ = has_head_ = false;
  interim_heads_ = 0;
  first_.reset();
  began_ = transport_.socket().loop().turn_began();
  reader_.restart();
  writer_.retry_on_failure(used_before ? base::Retry::kReused : base::Retry::kNo);
  append_request_head(writer_.begin(frame_request(head), head.content_length), head);
  return nothing_to_do();
}

base::Task<base::Result<void>> Http1Client::write(base::Chunk chunk) {
  return writer_.write(std::move(chunk));
}

base::Task<base::Result<void>> Http1Client::finish(const Fields& trailers) {
  if (tunnel_) return finish_tunnel();
  return writer_.finish(trailers);
}

// --- response ---

base::Error Http1Client::mark(base::Error error) const {
  error.side = base::Side::kUpstream;
  const bool went_away = error.code == base::Code::kClosed || error.code == base::Code::kReset;
  const bool stale = went_away && !answered_ && exchanges_ > 1;
  error.retry = stale ? base::Retry::kReused : base::Retry::kNo;
  return error;
}

std::unexpected<base::Error> Http1Client::broken(base::Error error) {
  broken_ = true;
  return base::fail(mark(std::move(error)));
}

// The answer's time begins anew with each piece of the request that leaves: an upload may take
// longer than any answer.
base::Deadline Http1Client::head_deadline() const {
  if (writer_.failed()) return base::Deadline::in(kEarlyAnswer).min(overall_);
  if (options_.response_head.count() <= 0) return overall_;
  const auto since = std::max(began_, writer_.last_progress());
  return base::Deadline(since + options_.response_head).min(overall_);
}

// A head that is wanted, out of what has come; false while that is not all of it.
base::Result<bool> Http1Client::take_head(ResponseHead& head) {
  do {
    const auto verdict = inbox_.empty() ? Http1Head::Verdict::kMore : reader_.look(inbox_.bytes());
    if (verdict == Http1Head::Verdict::kMore) return false;
    if (verdict == Http1Head::Verdict::kRefused) {
      base::Error bad(base::Code::kMalformed,
                      "bad response: " + std::string(reader_.refusal().why));
      return broken(std::move(bad));
    }
    auto accepted = accept_head(head);
    if (!accepted) return base::fail(std::move(accepted.error()));
  } while (head.status == 100 && !expects_);
  if (head.status == 101) {
    open_tunnel();
  } else if (head.status >= 200) {
    begin_body(head);
  }
  return true;
}

base::Task<base::Result<ResponseHead>> Http1Client::read_head() {
  ResponseHead head;
  auto deadline = head_deadline();
  while (true) {
    auto taken = take_head(head);
    if (!taken) co_return base::fail(std::move(taken.error()));
    if (*taken) co_return head;
    const auto room = inbox_.room(kHeadRead);
    auto got = co_await transport_.read(room, deadline);
    if (!got && got.error().code == base::Code::kTimeout) {
      // Meanwhile more of the request may have left, or failed to.
      deadline = head_deadline();
      if (!deadline.passed() && !writer_.failed()) continue;
      got.error().detail = "the upstream did not answer in time";
      if (writer_.failed()) got = cut_off();
    }
    if (!got) co_return broken(std::move(got.error()));
    if (*got == 0) {
      base::Error ended(base::Code::kClosed, answered_
                                                 ? "the upstream ended in the middle of a head"
                                                 : "the upstream closed without an answer");
      co_return broken(std::move(ended));
    }
    answered_ = true;
    writer_.retry_on_failure(base::Retry::kNo);
    inbox_.filled(*got);
  }
}

base::Result<void> Http1Client::accept_head(ResponseHead& head) {
  const auto refusal =
      read_response(reader_.raw(), AskedFor{to_head_, upgrade_}, head, persistence_);
  auto why = refusal.why;
  if (why.empty() && head.status == 101) {
    const auto proof = head.fields.find(FieldName::kSecWebSocketAccept);
    if (accept_.empty() || proof != accept_) {
      why = "101 with a Sec-WebSocket-Accept that is not the key's";
    }
  } else if (why.empty() && head.status < 200 && ++interim_heads_ > kInterimHeads) {
    why = "too many interim responses";
  }
  if (!why.empty()) {
    return broken(base::Error(base::Code::kMalformed, "bad response: " + std::string(why)));
  }
  inbox_.consume(reader_.end());
  reader_.restart();
  return {};
}

void Http1Client::begin_body(const ResponseHead& head) {
  has_head_ = true;
  body_.begin(head.body, head.content_length, 0);
  idle_ = may_be_silent(head.fields) ? options_.stream_idle : options_.body_idle;
  if (body_.ended() || inbox_.empty()) return;
  auto first = body_.take(inbox_);
  if (!first || !first->empty()) first_ = std::move(first);
}

bool Http1Client::ready() const {
  if (tunnel_) return tunnel_ended_ || !inbox_.empty();
  return first_.has_value() || (has_head_ && body_.ended());
}

base::Task<base::Result<base::Chunk>> Http1Client::read() {
  if (tunnel_) return read_tunnel();
  if (first_) {
    auto first = std::move(*first_);
    first_.reset();
    if (!first) first = broken(std::move(first.error()));
    return base::at_once(std::move(first));
  }
  if (!body_.ended()) return read_body();
  inbox_.release();
  return base::at_once<base::Result<base::Chunk>>(base::Chunk());
}

base::Task<base::Result<base::Chunk>> Http1Client::read_body() {
  while (!body_.ended()) {
    auto taken = body_.take(inbox_);
    if (!taken) co_return broken(std::move(taken.error()));
    if (!taken->empty()) co_return taken;
    if (body_.ended()) break;
    const auto room = inbox_.body_room();
    const auto deadline = base::Deadline::in(idle_).min(overall_);
    auto got = co_await transport_.read(room, deadline);
    if (!got) co_return broken(std::move(got.error()));
    inbox_.filled(*got);
    if (*got != 0) continue;
    auto ended = body_.end_of_input(transport_.clean_end());
    if (!ended) co_return broken(std::move(ended.error()));
  }
  inbox_.release();
  co_return base::Chunk();
}

// --- tunnel ---

void Http1Client::open_tunnel() {
  has_head_ = tunnel_ = true;
  transport_.socket().keep_alive();
  writer_.begin(BodyKind::kUntilClose, 0);
}

base::Task<base::Result<base::Chunk>> Http1Client::read_tunnel() {
  if (inbox_.empty() && !tunnel_ended_) {
    auto got = co_await receive(transport_, inbox_);
    if (!got) co_return broken(std::move(got.error()));
    tunnel_ended_ = *got == 0;
  }
  co_return take_all(inbox_);
}

base::Task<base::Result<void>> Http1Client::finish_tunnel() {
  const Fields none;
  auto finished = co_await writer_.finish(none);
  if (finished) co_await transport_.shutdown_send(base::Deadline::in(options_.write_stall));
  co_return finished;
}

void Http1Client::reset() {
  broken_ = true;
  transport_.abort();
}

}  // namespace gatehouse::http
