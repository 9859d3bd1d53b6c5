#include "proxy/connection.h"

#include <openssl/ssl.h>

#include <array>

#include "base/log.h"
#include "proxy/protocol_options.h"
#include "proxy/proxy_header_reader.h"

namespace gatehouse::proxy {

namespace {

namespace log = base::log;

// Room in time for an alert or a short answer to leave, when the client does not read.
constexpr base::Duration kParting{1'000};

}  // namespace

Connection::Connection(Worker& worker, base::Socket socket, const Arrival& arrival,
                       Admission::Ticket ticket)
    : worker_(worker),
      transport_(std::move(socket)),
      tls_(arrival.tls),
      peer_(arrival.peer),
      ticket_(std::move(ticket)),
      proxied_(arrival.proxied) {
  facts_.ip = peer_.host();
  facts_.peer = peer_;
  facts_.local = transport_.socket().local();
  facts_.is_local = is_loopback(peer_);
  facts_.is_trusted = is_trusted(peer_);
  facts_.tls = tls_;
}

bool Connection::is_trusted(const base::Endpoint& peer) const {
  return base::contains(worker_.snapshot()->config.trusted_proxies, peer);
}

void Connection::drain() {
  if (server_) server_->set_draining();
  if (http2_) http2_->drain();
}

void Connection::end_if_silent() {
  if (proxied_ || (tls_ && silent_)) transport_.socket().interrupt();
}

void Connection::abort() {
  if (exchange_ != nullptr) exchange_->cut();
  if (http2_) http2_->cut();
  transport_.abort();
}

base::Task<void> Connection::run() {
  bool ready = true;
  if (proxied_) ready = co_await meet_client();
  if (ready && tls_) ready = co_await shake_hands();
  if (ready) co_await serve();
  transport_.close();
}

// Who is behind the proxy that has connected.
base::Task<bool> Connection::meet_client() {
  const auto& timeouts = worker_.snapshot()->config.timeouts;
  const auto deadline = base::Deadline::in(tls_ ? timeouts.handshake : timeouts.request_head);
  auto header = co_await read_proxy_header(transport_.socket(), deadline);
  proxied_ = false;
  if (!header) {
    if (header.error().code == base::Code::kTimeout) count(base::Abuse::kSlowHead);
    log::debug("a connection was refused",
               {{"peer_ip", facts_.ip}, {"error", header.error().detail}});
    co_return false;
  }
  if (header->speaker() == ProxyHeaderParser::Speaker::kClient) {
    peer_ = header->client();
    facts_.ip = peer_.host();
    facts_.peer = peer_;
  }
  if (header->speaker() == ProxyHeaderParser::Speaker::kUnknown) facts_.peer = {};
  // Who is announced is no neighbour; and who is not named is nobody to believe.
  if (header->speaker() != ProxyHeaderParser::Speaker::kProxy) facts_.is_local = false;
  facts_.is_trusted =
      header->speaker() != ProxyHeaderParser::Speaker::kUnknown && is_trusted(peer_);
  const bool admitted = ticket_.charge(peer_);
  if (!admitted) {
    count(base::Abuse::kConnections);
    log::debug("a connection was refused: too many", {{"client_ip", facts_.ip}});
  }
  co_return admitted;
}

// --- handshake ---

Connection::Choice Connection::refuse(std::uint8_t alert, std::string reason) {
  Choice choice;
  choice.alert = alert;
  choice.reason = std::move(reason);
  return choice;
}

base::Task<Connection::Choice> Connection::wait_for_certificate(std::string name,
                                                                tls::KeyKinds keys) {
  auto& shared = worker_.shared();
  const auto place = shared.waiting.enter(peer_);
  if (!place) {
    count(base::Abuse::kWaitingHandshakes);
    co_return refuse(SSL_AD_INTERNAL_ERROR, "too many handshakes wait already");
  }
  const auto id = worker_.waiters().enter();
  if (!id) co_return refuse(SSL_AD_INTERNAL_ERROR, id.error().detail);
  const auto timeout = worker_.snapshot()->config.tls.on_demand.timeout;
  auto answer = [worker = &worker_, id = *id](base::Result<tls::CertificateRef> result) {
    // On control's thread: only a value goes back, and finds its waiter by number.
    worker->loop().post([worker, id, result = std::move(result)]() mutable {
      worker->waiters().answer(id, std::move(result));
    });
  };
  shared.automation.request(std::move(name), std::move(answer), keys);
  const auto deadline = base::Deadline::in(timeout);
  auto waited = co_await worker_.waiters().wait(*id, transport_.socket(), deadline);
  Choice choice;
  if (!waited) {
    const bool late = waited.error().code == base::Code::kTimeout;
    choice = refuse(SSL_AD_INTERNAL_ERROR,
                    late ? "no certificate within tls.on_demand.timeout" : waited.error().detail);
  } else if (!*waited) {
    const auto& error = waited->error();
    // Our policy does not know the name; anything else is trouble that may pass.
    const bool denied = error.code == base::Code::kDenied && error.side == base::Side::kLocal;
    choice = refuse(denied ? SSL_AD_UNRECOGNIZED_NAME : SSL_AD_INTERNAL_ERROR, error.detail);
  } else {
    choice.certificate = std::move(**waited);
  }
  co_return choice;
}

// `name`: the host that the client means.
base::Task<Connection::Choice> Connection::choose(const tls::ClientHello& hello, std::string name) {
  const auto& shared = worker_.shared();
  Choice choice;
  if (hello.acme_challenge) {
    choice.certificate = shared.challenges.find_tls_alpn(hello.server_name);
    choice.challenge = true;
    if (choice.certificate) co_return choice;
    co_return refuse(SSL_AD_UNRECOGNIZED_NAME, "no challenge of this name is in flight");
  }
  if (shared.memory.refuses() && shared.connections.count() > Worker::kAlwaysConnected) {
    count(base::Abuse::kMemory);
    co_return refuse(SSL_AD_INTERNAL_ERROR, "memory is short");
  }
  if (name.empty()) {
    co_return refuse(SSL_AD_UNRECOGNIZED_NAME, "no server name");
  }
  if (!hello.server_name.empty() && !tls::is_host_name(hello.server_name)) {
    co_return refuse(SSL_AD_UNRECOGNIZED_NAME, "not a host name");
  }
  const base::WallTime now = base::wall_now();
  choice.certificate = shared.certificates.find(name, hello.keys, now);
  const bool expired = choice.certificate && !choice.certificate->valid_at(now);
  if (choice.certificate && !expired) co_return choice;
  if (!shared.automation.may_request(name)) {
    if (choice.certificate) co_return choice;  // from files: theirs to renew
    co_return refuse(SSL_AD_UNRECOGNIZED_NAME, "no site has this name");
  }
  co_return co_await wait_for_certificate(std::move(name), hello.keys);
}

void Connection::note_stall(const base::Error& error) const {
  if (error.code == base::Code::kTimeout) count(base::Abuse::kHandshakeStalled);
}

// What the site of this name asks of its clients; a request for a site that asks for something else
// is misdirected here.
const tls::ClientAuth* Connection::client_auth_for(const std::string& name) {
  const auto* site = worker_.snapshot()->router.find(name);
  if (site == nullptr || !site->client_auth) return nullptr;
  facts_.client_auth = site->client_auth;
  return worker_.shared().client_auths->find(*site->client_auth);
}

base::Task<bool> Connection::shake_hands() {
  const auto& shared = worker_.shared();
  if (!shared.handshake_rate.take(peer_, base::Clock::now())) {
    count(base::Abuse::kHandshakeRate);
    log::debug("a handshake was refused: too many a second", {{"client_ip", facts_.ip}});
    co_return false;
  }
  const auto place = shared.handshakes.enter(peer_);
  if (!place) {
    count(base::Abuse::kHandshakes);
    log::debug("a handshake was refused: too many", {{"client_ip", facts_.ip}});
    co_return false;
  }
  const auto timeout = worker_.snapshot()->config.timeouts.handshake;
  auto hello = co_await transport_.client_hello(shared.tls, base::Deadline::in(timeout));
  silent_ = false;
  if (!hello) {
    note_stall(hello.error());
    if (hello.error().code == base::Code::kMalformed) co_await answer_plain_http();
    log::debug("a handshake failed", {{"client_ip", facts_.ip}, {"error", hello.error().detail}});
    co_return false;
  }
  std::string name = hello->server_name;
  if (name.empty()) name = worker_.snapshot()->router.host_at(facts_.local.host());
  auto choice = co_await choose(*hello, name);
  if (!choice.certificate) {
    log::debug("a handshake was refused",
               {{"client_ip", facts_.ip}, {"name", hello->server_name}, {"reason", choice.reason}});
    co_await transport_.refuse(choice.alert, base::Deadline::in(kParting));
    co_return false;
  }
  // A CA that looks at a challenge's answer has no certificate of its own.
  const tls::ClientAuth* client_auth = nullptr;
  if (!choice.challenge) client_auth = client_auth_for(name);
  // What was spent waiting for a certificate was not the client's doing.
  auto done = co_await transport_.handshake(std::move(choice.certificate), choice.challenge,
                                            base::Deadline::in(timeout), client_auth);
  if (!done) {
    note_stall(done.error());
    log::debug(
        "a handshake failed",
        {{"client_ip", facts_.ip}, {"name", hello->server_name}, {"error", done.error().detail}});
    co_return false;
  }
  facts_.server_name = std::move(hello->server_name);
  const auto shown = transport_.peer_certificate();
  if (!shown.empty()) note_certificate(facts_, shown);
  co_return !choice.challenge;  // no application data on a challenge's connection (RFC 8737 3)
}

// Somebody typed http:// with the port of https.
base::Task<void> Connection::answer_plain_http() {
  static constexpr std::string_view kAnswer =
      "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain; charset=utf-8\r\n"
      "Content-Length: 62\r\nConnection: close\r\n\r\n"
      "400 Bad Request\nThis port speaks HTTPS; the URL said http://.\n";
  tls::Transport plain(std::move(transport_.socket()));
  const std::array<base::Bytes, 1> pieces{base::as_bytes(kAnswer)};
  auto sent = co_await plain.write(pieces, base::Deadline::in(kParting));
  if (!sent) co_return;
  co_await plain.shutdown_send(base::Deadline::in(kParting));
  // What the client has sent is read away, so that its kernel does not drop our answer for a RST.
  std::array<std::uint8_t, 512> rest;
  for (int i = 0; i < 64; ++i) {
    auto got = co_await plain.read(rest, base::Deadline::in(kParting));
    if (!got || *got == 0) break;
  }
}

// --- requests ---

ExchangeParts Connection::parts() const {
  const auto& shared = worker_.shared();
  return ExchangeParts{worker_.loop(), worker_.upstreams(), shared.challenges,  shared.access_log,
                       shared.memory,  shared.abuse,        worker_.exchanges()};
}

base::Task<void> Connection::serve() {
  const auto snapshot = worker_.snapshot();
  if (transport_.alpn() == "h2") {
    co_await serve_http2(*snapshot, base::Chunk());
    co_return;
  }
  co_await serve_http1(*snapshot);
  if (!server_->saw_http2()) co_return;
  auto first = server_->take_input();
  server_.reset();
  co_await serve_http2(*snapshot, std::move(first));
}

base::Task<void> Connection::serve_http1(const Snapshot& snapshot) {
  server_.emplace(transport_, http1_server_options(snapshot.config, worker_.shared().abuse,
                                                   worker_.idle_clients(), !tls_));
  if (worker_.draining()) server_->set_draining();
  for (;;) {
    auto stream = co_await server_->next();
    if (!stream) {
      const auto status = server_->refused_status();
      const auto& detail = stream.error().detail;
      if (status == 0) {
        log::debug("a connection ended", {{"client_ip", facts_.ip}, {"error", detail}});
      } else {
        log::debug("a request was refused",
                   {{"client_ip", facts_.ip}, {"status", status}, {"error", detail}});
      }
      break;
    }
    if (*stream == nullptr) break;
    Exchange exchange(parts(), snapshot, facts_, **stream);
    exchange_ = &exchange;
    co_await exchange.run();
    exchange_ = nullptr;
  }
}

base::Task<void> Connection::serve_http2(const Snapshot& snapshot, base::Chunk first) {
  auto options =
      http2_server_options(snapshot.config, worker_.shared().abuse, worker_.idle_clients());
  options.memory = &worker_.shared().memory;
  http2_ = std::make_unique<Http2Exchanges>(parts(), snapshot, facts_, transport_, options,
                                            std::move(first));
  if (worker_.draining()) http2_->drain();
  co_await http2_->run();
  http2_.reset();
}

}  // namespace gatehouse::proxy
