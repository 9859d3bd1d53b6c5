#include "proxy/forward.h"

#include "proxy/hop_fields.h"
#include "proxy/tunnel.h"

namespace gatehouse::proxy {
namespace {

// To a client of HTTP/2 any 2xx means that its tunnel is open (RFC 9110 9.3.6, RFC 8441 5): it
// would take a page for what the other end of a WebSocket says.
bool seems_to_open_a_tunnel(const http::RequestHead& asked, const http::ResponseHead& answer) {
  const bool by_connect = asked.version == http::Version::kHttp2 && !asked.upgrade.empty();
  return by_connect && answer.status / 100 == 2;
}

bool is_interim(const base::Result<http::ResponseHead>& head) {
  return head && head->status < 200 && head->status != 101;
}

}  // namespace

void Replay::append(base::Bytes bytes) {
  if (overflown_) return;
  if (bytes_.size() + bytes.size() > kMost) {
    overflown_ = true;
    std::string().swap(bytes_);
  } else {
    bytes_ += base::as_text(bytes);
  }
}

Forward::Forward(base::Loop& loop, http::ServerStream& down, http::ClientStream& up, Replay& replay,
                 bool may_replay, base::Duration stream_idle)
    : down_(down),
      up_(up),
      replay_(replay),
      may_replay_(may_replay),
      loop_(loop),
      stream_idle_(stream_idle),
      gate_(loop),
      continue_(loop) {
  down_.when_cancelled(client_cancelled, this);
}

void Forward::client_cancelled(void* self) {
  auto& forward = *static_cast<Forward*>(self);
  forward.client_failed_ = true;
  forward.client_error_ =
      base::Error(base::Code::kReset, base::Side::kDownstream, "the client cancelled the request");
  forward.up_.reset();  // whoever waits for the upstream wakes
}

// --- the request's body ---

base::Task<base::Result<void>> Forward::send_replay() {
  if (replay_.bytes().empty()) co_return base::Result<void>();
  writing_ = true;
  auto again = base::Chunk::copy_of(base::as_bytes(replay_.bytes()));
  co_return co_await up_.write(std::move(again));
}

// The head leaves with the first of the body; not when the client has not sent that yet: an
// upstream may want to refuse it by the head alone.
base::Task<void> Forward::send_head_alone() {
  auto pumps_turn = loop_.yield();
  co_await pumps_turn;
  if (writing_ || client_failed_) co_return;
  auto sent = co_await up_.flush();
  (void)sent;  // read_head() says why it failed
}

base::Task<void> Forward::pump_request() {
  // A failed write ends the pump alone: the upstream may have said why, and read_head() finds it.
  auto written = co_await send_replay();
  if (expects_ && written) {
    const auto deadline = base::Deadline::in(kContinueWait);
    auto told = co_await continue_.wait(deadline);
    (void)told;  // or time is up; read() sends 100 to who still waits for it
  }
  while (written && !stop_) {
    auto chunk = co_await down_.read();
    if (!chunk) {
      if (stop_) break;  // woken because nobody wants the rest
      client_failed_ = true;
      client_error_ = std::move(chunk.error());
      up_.reset();
      break;
    }
    writing_ = true;
    request_bytes_ += chunk->size();
    if (chunk->empty()) {
      const auto trailers = forwarded_trailers(down_.trailers(), allowed_);
      written = co_await up_.finish(trailers);
      break;
    }
    if (may_replay_) replay_.append(chunk->bytes());
    if (stop_) break;
    written = co_await up_.write(std::move(*chunk));
  }
  pumping_ = false;
}

// Waits until nothing touches the two streams but run(). `keep_reading`: what is being read from
// the client is kept for another attempt; else the read is ended.
base::Task<void> Forward::stop_pump(bool keep_reading) {
  stop_ = true;
  continue_.set();
  return gate_.count() == 0 ? base::at_once() : end_pump(keep_reading);
}

base::Task<void> Forward::end_pump(bool keep_reading) {
  if (pumping_ && !keep_reading) down_.stop_reading();
  (void)co_await gate_.close();
}

// --- the response ---

// Passes an interim head on, and gives what comes after it.
base::Task<base::Result<http::ResponseHead>> Forward::pass_interim(http::ResponseHead head) {
  if (head.status == 100) {
    continue_.set();
  } else {
    forward_response(head);
    auto passed = co_await down_.write_interim(head);
    if (!passed) {
      client_failed_ = true;
      client_error_ = passed.error();
      co_return base::fail(std::move(passed.error()));
    }
  }
  co_return co_await up_.read_head();
}

void Forward::fail_by_upstream(ForwardResult& result, base::Error error) {
  if (client_failed_) {
    result.end = ForwardResult::End::kClient;
    result.error = std::move(client_error_);
  } else {
    result.end = ForwardResult::End::kUpstream;
    result.error = std::move(error);
  }
}

void Forward::fail_by_client(ForwardResult& result, base::Error error) {
  result.end = ForwardResult::End::kClient;
  result.error = std::move(error);
}

base::Task<void> Forward::pass_body(ForwardResult& result) {
  base::Result<void> passed;
  for (;;) {
    if (!up_.ready()) {
      passed = co_await down_.flush();  // never hold bytes back while the upstream pauses
      if (!passed) break;
    }
    auto chunk = co_await up_.read();
    if (!chunk) {
      fail_by_upstream(result, std::move(chunk.error()));
      co_return;
    }
    if (chunk->empty()) {
      passed = co_await down_.finish(up_.trailers());
      break;
    }
    result.body_bytes += chunk->size();
    passed = co_await down_.write(std::move(*chunk));
    if (!passed) break;
  }
  if (!passed) fail_by_client(result, std::move(passed.error()));
}

base::Task<void> Forward::pass_tunnel(ForwardResult& result) {
  auto opened = co_await down_.flush();
  if (!opened) {
    fail_by_client(result, std::move(opened.error()));
    co_return;
  }
  Tunnel tunnel(loop_, down_, up_, stream_idle_);
  auto ended = co_await tunnel.run();
  result.body_bytes = tunnel.bytes_down();
  request_bytes_ = tunnel.bytes_up();
  if (ended) co_return;
  if (ended.error().side == base::Side::kUpstream) {
    fail_by_upstream(result, std::move(ended.error()));
  } else {
    fail_by_client(result, std::move(ended.error()));
  }
}

base::Task<void> Forward::run(const http::RequestHead& request, ForwardResult& result) {
  if (client_failed_) {  // it cancelled before anything was sent
    fail_by_client(result, std::move(client_error_));
    co_return;
  }
  expects_ = request.expect_continue && replay_.bytes().empty();
  auto sent = co_await up_.send_head(request);
  if (request.body == http::BodyKind::kNone) {
    // No second task for the many requests without a body.
    if (sent) sent = co_await up_.finish(http::Fields());
  } else if (sent) {
    pumping_ = true;
    gate_.spawn(pump_request(), "forward a request body");
    co_await send_head_alone();
  }
  auto head = co_await up_.read_head();
  while (is_interim(head)) head = co_await pass_interim(std::move(*head));
  if (head && seems_to_open_a_tunnel(down_.head(), *head)) {
    head = base::fail(base::Code::kMalformed, base::Side::kUpstream,
                      "the upstream answers a WebSocket handshake with 2xx instead of 101");
  }
  if (!head) {
    fail_by_upstream(result, std::move(head.error()));
    up_.reset();
    const bool again = result.end == ForwardResult::End::kUpstream && may_replay_;
    co_await stop_pump(again);
    // The client may have failed while its last bytes were awaited.
    if (client_failed_ && again) fail_by_upstream(result, std::move(result.error));
    result.request_bytes = request_bytes_;
    co_return;
  }
  result.status = head->status;
  if (const auto said = head->fields.find(http::FieldName::kKeepAlive)) result.keep_alive = *said;
  forward_response(*head);
  auto written = co_await down_.write_head(*head);
  if (!written) {
    fail_by_client(result, std::move(written.error()));
  } else if (head->status == 101) {
    co_await pass_tunnel(result);
  } else {
    co_await pass_body(result);
  }
  // An answer that came before the request's end: the rest is not for this upstream.
  const bool cut = pumping_ || result.end != ForwardResult::End::kDone;
  if (cut) up_.reset();
  co_await stop_pump(false);
  if (result.end != ForwardResult::End::kDone) down_.reset(result.error.code);
  result.request_bytes = request_bytes_;
}

}  // namespace gatehouse::proxy
