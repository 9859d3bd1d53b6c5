#include "proxy/exchange.h"

#include "base/log.h"
#include "proxy/hop_fields.h"
#include "proxy/respond.h"
#include "proxy/via.h"

namespace gatehouse::proxy {

namespace {

namespace log = base::log;

constexpr std::string_view kChallengePath = "/.well-known/acme-challenge/";

// Whether the whole body can be sent again. Others get a connection of their own: a pooled one
// that had gone stale would cost them the request.
bool can_replay(const http::RequestHead& request) {
  return request.body == http::BodyKind::kNone ||
         (request.body == http::BodyKind::kLength && request.content_length <= Replay::kMost);
}

bool is_idempotent(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS" || method == "PUT" ||
         method == "DELETE";
}

constexpr std::string_view kTooBusy = "This site has more to do than it can at the moment.";

struct ErrorPage {
  std::uint16_t status;
  std::string_view sentence;
};

// RFC 9110 15.6: whose fault, and whether it was silence.
ErrorPage page_for(const base::Error& error) {
  if (error.code == base::Code::kTimeout) {
    return {504, "The server behind this site did not answer in time."};
  }
  if (error.code == base::Code::kNotFound) {
    return {503, "No server for this site can be found at the moment."};
  }
  if (error.code == base::Code::kOverload) {
    return {503, kTooBusy};
  }
  return {502, "The server behind this site cannot be reached, or did not answer as it should."};
}

std::uint16_t status_for_client(const base::Error& error) {
  switch (error.code) {
    case base::Code::kTooLarge: return 413;
    case base::Code::kMalformed: return 400;
    case base::Code::kTimeout: return 408;
    default: return 0;  // it has gone: nobody is there to be answered
  }
}

}  // namespace

std::string https_port_suffix(const config::Config& config) {
  for (const auto& address : config.listen.https) {
    if (address.port == 443 || !address.unix_path.empty()) return "";
  }
  if (config.listen.https.empty()) return "";
  return ":" + std::to_string(config.listen.https.front().port);
}

Exchange::Exchange(ExchangeParts parts, const Snapshot& snapshot, const ClientFacts& facts,
                   http::ServerStream& stream)
    : parts_(parts),
      snapshot_(snapshot),
      facts_(facts),
      request_(facts_of(stream.head(), facts, snapshot.config.trusted_proxies)),
      stream_(stream) {
  ++parts_.under_way;
}

void Exchange::note(const base::Result<void>& done, std::uint16_t status) {
  record_.status = status;
  if (!done && record_.error.empty()) record_.error = done.error().detail;
}

base::Task<void> Exchange::respond(std::uint16_t status, std::string_view sentence) {
  http::ResponseHead head;
  head.status = status;
  auto done = co_await respond_error(stream_, std::move(head), sentence);
  note(done, status);
}

base::Task<void> Exchange::run() {
  record_.began = base::Clock::now();
  co_await dispatch();
  parts_.access_log.write(record_, stream_.head(), facts_, request_);
}

void Exchange::cut() {
  cut_ = true;
  if (up_ != nullptr) up_->reset();
}

base::Task<bool> Exchange::answer_well_known() {
  const auto& head = stream_.head();
  const auto path = head.path();
  if (path == kHealthPath && request_.is_local) {
    config::Respond healthy;
    healthy.body = "healthy\n";
    auto done = co_await respond_fixed(stream_, healthy);
    note(done, 200);
    co_return true;
  }
  const bool asks = head.method == "GET" || head.method == "HEAD";
  if (!path.starts_with(kChallengePath) || !asks) co_return false;
  auto answer = parts_.challenges.find_http(path.substr(kChallengePath.size()));
  if (!answer) co_return false;
  http::ResponseHead response;
  response.fields.add("Content-Type", "application/octet-stream");
  auto done = co_await respond_text(stream_, std::move(response), std::move(*answer));
  note(done, 200);
  co_return true;
}

// OPTIONS that goes no further than us.
base::Task<void> Exchange::answer_options() {
  config::Respond nothing;
  nothing.status = 204;
  auto done = co_await respond_fixed(stream_, nothing);
  note(done, nothing.status);
}

base::Task<void> Exchange::refuse_for_memory() {
  parts_.abuse.count(base::Abuse::kMemory);
  record_.error = "refused: memory is short";
  http::ResponseHead head;
  head.status = 503;
  head.fields.add("Retry-After", kRetryAfterSeconds);
  auto done = co_await respond_error(stream_, std::move(head), kTooBusy);
  note(done, 503);
}

base::Task<void> Exchange::dispatch() {
  // A CA's question comes before every rule of ours, for every host (RFC 8555 8.3).
  const bool well_known = stream_.head().target.starts_with("/.well-known/");
  return well_known ? dispatch_well_known() : serve_site();
}

base::Task<void> Exchange::dispatch_well_known() {
  const bool answered = co_await answer_well_known();
  if (!answered) co_await serve_site();
}

base::Task<void> Exchange::serve_site() {
  const auto& head = stream_.head();
  if (parts_.memory.refuses() && parts_.under_way > kAlwaysServed) return refuse_for_memory();
  if (std::string_view(head.target) == "*") return answer_options();
  const auto* site = snapshot_.router.find(head.host());
  if (site == nullptr) return respond(404, "There is no such site here.");
  if (site->tls && !request_.is_https && !snapshot_.config.listen.https.empty()) {
    std::string location = "https://";
    location += url_host(head);
    location += https_port_suffix(snapshot_.config);
    location += head.target;
    return redirect(308, std::move(location));
  }
  // The handshake asked for another site's certificates, or for none (RFC 9110 15.5.20).
  if (site->client_auth != facts_.client_auth) {
    return respond(421, "This site is reached over a connection of its own.");
  }
  const auto* route = site->find(head.normal_path);
  if (route == nullptr) return respond(404, "There is nothing at this address.");
  return act(*route->action);
}

base::Task<void> Exchange::act(const config::Action& action) {
  if (const auto* proxied = std::get_if<config::Proxy>(&action)) return proxy(*proxied);
  if (const auto* fixed = std::get_if<config::Respond>(&action)) return respond_as_told(*fixed);
  if (const auto* moved = std::get_if<config::Redirect>(&action)) {
    const Placeholders values{stream_.head(), request_.scheme(), request_.client_ip,
                              request_.request_id};
    return redirect(moved->status, expand(moved->to, values));
  }
  return base::at_once();
}

base::Task<void> Exchange::respond_as_told(const config::Respond& fixed) {
  auto done = co_await respond_fixed(stream_, fixed);
  note(done, fixed.status);
}

base::Task<void> Exchange::redirect(std::uint16_t status, std::string location) {
  auto done = co_await respond_redirect(stream_, status, std::move(location));
  note(done, status);
}

// --- forwarding ---

Upstream::Wanted Exchange::wanted_for(const http::RequestHead& request, bool fresh) const {
  Upstream::Wanted wanted;
  wanted.fresh = fresh;
  wanted.websocket = !request.upgrade.empty();
  wanted.client = facts_.peer;
  if (request_.client_ip != std::string_view(facts_.ip)) {
    // A trusted proxy has named it; from which port it came, nobody says.
    wanted.client = base::Endpoint::from_ip(request_.client_ip, 0).value_or(facts_.peer);
  }
  wanted.server = facts_.local;
  return wanted;
}

base::Task<void> Exchange::attempt(Upstream& upstream, const http::RequestHead& request,
                                   Replay& replay, bool fresh, Leased& leased,
                                   ForwardResult& result) {
  base::Result<Upstream::Lease> lease = upstream.lease_idle(fresh);
  if (!lease->http1) {
    const auto wanted = wanted_for(request, fresh);
    lease = co_await upstream.lease(wanted);
  }
  if (!lease) {
    result.end = ForwardResult::End::kUpstream;
    result.error = std::move(lease.error());
    co_return;
  }
  leased.any = true;
  leased.reused = lease->reused;
  if (cut_) co_return;
  up_ = &lease->stream();
  // An HTTP/2 server may refuse a stream after its body was begun.
  const bool may_replay = lease->reused || lease->http2;
  Forward forward(parts_.loop, stream_, lease->stream(), replay, may_replay,
                  snapshot_.config.timeouts.stream_idle);
  forward.allow_in_trailers(snapshot_.config.allowed_fields);
  co_await forward.run(request, result);
  up_ = nullptr;
  const bool stale = lease->reused && result.error.retry == base::Retry::kReused;
  if (stale && lease->http1) upstream.idle().found_stale(lease->age);
  const bool well = result.end == ForwardResult::End::kDone;
  upstream.give_back(std::move(*lease), well, result.keep_alive);
}

base::Task<void> Exchange::proxy(const config::Proxy& action) {
  if (has_passed(stream_.head())) {
    co_await respond(508, "This site forwards its requests to itself.");
    co_return;
  }
  if (forwards_left(stream_.head()) == 0) {
    co_await answer_options();
    co_return;
  }
  const Hop hop{facts_, request_, snapshot_.config.allowed_fields};
  http::RequestHead request;
  forward_request(stream_.head(), hop, request);
  Replay replay;
  std::vector<Upstream*> tried;
  bool fresh = !can_replay(request);
  auto* upstream = parts_.upstreams.choose(action, tried);
  ForwardResult result;
  for (int i = 0; i < kAttempts && upstream != nullptr; ++i) {
    record_.upstream = upstream->name();
    const auto began = parts_.loop.turn_began();
    Leased leased;
    result = ForwardResult();
    co_await attempt(*upstream, request, replay, fresh, leased, result);
    if (cut_ || result.end != ForwardResult::End::kUpstream || stream_.answered()) break;
    if (!replay.complete()) break;  // what was read of the body is gone
    if (result.error.retry == base::Retry::kYes && leased.any) {
      // An HTTP/2 server that did not look at the request (RFC 9113 8.7): once more.
      ++record_.retries;
      continue;
    }
    if (result.error.retry == base::Retry::kYes) {
      // Nothing was sent: the next server gets the same request.
      tried.push_back(upstream);
      upstream = parts_.upstreams.choose(action, tried);
      continue;
    }
    // A pooled connection broke without a byte of an answer. So soon after the request it had been
    // closed before: the upstream never saw it.
    const bool soon = base::Clock::now() - began < kStaleWithin;
    const bool stale = result.error.retry == base::Retry::kReused && leased.reused &&
                       (soon || is_idempotent(request.method));
    if (!stale) break;
    fresh = true;
    ++record_.retries;
  }
  co_await report(result);
}

base::Task<void> Exchange::report(const ForwardResult& result) {
  record_.status = result.status;
  record_.body_bytes = result.body_bytes;
  record_.request_bytes = result.request_bytes;
  if (cut_) {
    record_.error = "cut: gatehouse stops";
    stream_.reset(base::Code::kClosed);
    return base::at_once();
  }
  if (result.end == ForwardResult::End::kDone) return base::at_once();
  return report_failure(result);
}

base::Task<void> Exchange::report_failure(const ForwardResult& result) {
  record_.error = result.error.detail;
  const bool tunnel = result.status == 101;  // that one breaks is nothing special
  if (result.end == ForwardResult::End::kUpstream && !tunnel) {
    log::warn("an upstream failed", {{"upstream", record_.upstream},
                                     {"host", stream_.head().authority},
                                     {"kind", base::name(result.error.code)},
                                     {"error", result.error.detail}});
  }
  if (stream_.answered()) {
    stream_.reset(result.error.code);  // what was begun cannot be ended well
    co_return;
  }
  if (result.end == ForwardResult::End::kUpstream) {
    const auto page = page_for(result.error);
    co_await respond(page.status, page.sentence);
    co_return;
  }
  const auto status = status_for_client(result.error);
  if (status == 0) {
    record_.status = 499;
    stream_.reset(result.error.code);
  } else {
    co_await respond(status, result.error.detail);
  }
}

}  // namespace gatehouse::proxy
