#include "proxy/upstream.h"

#include <algorithm>
#include <array>

#include "proxy/proxy_header.h"

namespace gatehouse::proxy {

namespace {

using Scheme = config::UpstreamServer::Scheme;

std::string name_of(const config::UpstreamServer& server) {
  if (!server.unix_path.empty()) return "unix:" + server.unix_path;
  return server.host + ":" + std::to_string(server.port);
}

base::Error of_upstream(base::Error error) {
  error.side = base::Side::kUpstream;
  error.retry = base::Retry::kYes;
  return error;
}

}  // namespace

Upstream::Upstream(base::Loop& loop, base::Resolver& resolver, const config::Proxy& group,
                   config::UpstreamServer server, UpstreamOptions options)
    : loop_(loop),
      resolver_(resolver),
      server_(std::move(server)),
      tls_(group.tls),
      keepalive_(group.keepalive),
      proxy_protocol_(group.proxy_protocol),
      options_(options),
      name_(name_of(server_)),
      idle_(group.keepalive),
      sessions_(loop),
      resolved_(loop),
      gate_(loop) {
  if (server_.scheme == Scheme::kHttps) speaks_ = Speaks::kUnknown;
  if (server_.scheme == Scheme::kH2c) speaks_ = Speaks::kHttp2;
}

Upstream::~Upstream() = default;

// --- addresses ---

base::Task<void> Upstream::resolve() {
  const auto deadline = connect_deadline();
  auto found = co_await resolver_.resolve(loop_, server_.host, server_.port, deadline);
  if (found) {
    addresses_ = std::move(*found);
    resolved_at_ = base::Clock::now();
  } else {
    resolve_error_ = std::move(found.error());
  }
  resolving_ = false;
  resolved_.set();
}

base::Task<base::Result<std::vector<base::Endpoint>>> Upstream::addresses(base::Deadline deadline) {
  if (!server_.unix_path.empty()) {
    auto path = base::Endpoint::from_unix(server_.unix_path);
    if (!path) co_return base::fail(std::move(path.error()));
    co_return std::vector<base::Endpoint>(1, *path);
  }
  const bool old = base::Clock::now() - resolved_at_ > kResolveAgain;
  if ((addresses_.empty() || old) && !resolving_ && !gate_.closed()) {
    resolving_ = true;
    resolved_.reset();
    gate_.spawn(resolve(), "resolve an upstream");
  }
  // The last good answer serves while a newer one is looked up.
  if (addresses_.empty() && resolving_) {
    auto waited = co_await resolved_.wait(deadline);
    if (!waited) resolve_error_ = std::move(waited.error());
  }
  if (addresses_.empty()) co_return base::fail(resolve_error_);
  auto in_turn = addresses_;
  std::rotate(in_turn.begin(), in_turn.begin() + next_address_++ % in_turn.size(), in_turn.end());
  co_return in_turn;
}

// --- connecting ---

// What is said before HTTP: whose connection it is, then TLS.
base::Task<base::Result<void>> Upstream::greet(tls::Transport& transport, const Wanted& wanted,
                                               bool http2, base::Deadline deadline) {
  base::Result<void> greeted;
  if (proxy_protocol_ != 0) {
    const auto header = proxy_header(proxy_protocol_, wanted.client, wanted.server);
    const std::array<base::Bytes, 1> pieces = {base::as_bytes(header)};
    greeted = co_await transport.write(pieces, deadline);
  }
  if (!greeted || !encrypted()) co_return greeted;
  auto* const context =
      options_.contexts == nullptr ? nullptr : options_.contexts->find(tls_, http2);
  if (context == nullptr) {
    co_return base::fail(base::Code::kInternal, name_ + ": its TLS settings were not loaded");
  }
  auto server_name = tls_.server_name.empty() ? server_.host : tls_.server_name;
  co_return co_await transport.connect_tls(*context, std::move(server_name), deadline);
}

base::Task<base::Result<tls::Transport>> Upstream::dial(Wanted wanted, bool http2,
                                                        base::Deadline deadline) {
  auto found = co_await addresses(deadline);
  base::Error error;
  if (found) {
    for (const auto& address : *found) {
      auto socket = co_await base::connect(loop_, address, deadline);
      if (!socket) {
        error = std::move(socket.error());
        continue;
      }
      tls::Transport transport(std::move(*socket));
      auto greeted = co_await greet(transport, wanted, http2, deadline);
      if (greeted) {
        out_until_ = {};
        co_return base::Result<tls::Transport>(std::move(transport));
      }
      error = std::move(greeted.error());
    }
  } else {
    error = std::move(found.error());
  }
  out_until_ = base::Clock::now() + kOut;
  co_return base::fail(of_upstream(std::move(error)));
}

bool Upstream::speaks_http2(const tls::Transport& transport) const {
  return server_.scheme == Scheme::kH2c || transport.alpn() == "h2";
}

std::unique_ptr<http::Http1Client> Upstream::http1_of(tls::Transport transport) const {
  return std::make_unique<http::Http1Client>(std::move(transport), options_.client);
}

base::Task<base::Result<std::unique_ptr<http::Http1Client>>> Upstream::connect() {
  const Wanted wanted;
  auto transport = co_await dial(wanted, false, connect_deadline());
  if (!transport) co_return base::fail(std::move(transport.error()));
  co_return http1_of(std::move(*transport));
}

// A connection that is for whoever wants one first, since what it speaks is not known before.
base::Task<void> Upstream::connect_for_all() {
  const Wanted wanted;
  auto transport = co_await dial(wanted, true, connect_deadline());
  if (!transport) {
    sessions_.connected(std::move(transport.error()));
  } else if (speaks_http2(*transport)) {
    speaks_ = Speaks::kHttp2;
    sessions_.connected(std::move(*transport), options_.http2);
  } else {
    speaks_ = Speaks::kHttp1;
    idle_.keep_unused(http1_of(std::move(*transport)));
    sessions_.connected(std::nullopt);
  }
}

// --- leases ---

Upstream::Lease Upstream::take_idle(bool unused) {
  Lease lease;
  auto idled = idle_.take(unused, loop_.turn_began());
  lease.http1 = std::move(idled.connection);
  lease.age = idled.age;
  lease.reused = lease.http1 && lease.http1->exchanges() != 0;
  return lease;
}

// What has told the server one client's address is not for another client.
base::Task<base::Result<Upstream::Lease>> Upstream::lease_own(Wanted wanted) {
  auto transport = co_await dial(wanted, !wanted.websocket, connect_deadline());
  if (!transport) co_return base::fail(std::move(transport.error()));
  Lease lease;
  if (!speaks_http2(*transport)) {
    lease.http1 = http1_of(std::move(*transport));
    co_return base::Result<Lease>(std::move(lease));
  }
  auto opened = sessions_.own(std::move(*transport), options_.http2);
  if (!opened.stream)
    co_return base::fail(of_upstream(base::Error(base::Code::kCancelled, "stop")));
  lease.http2 = std::move(opened.stream);
  co_return base::Result<Lease>(std::move(lease));
}

base::Task<base::Result<Upstream::Lease>> Upstream::lease_http1(Wanted wanted) {
  Lease lease = take_idle(wanted.fresh);
  if (lease.http1) co_return base::Result<Lease>(std::move(lease));
  // With HTTP/2 offered: a server may have learnt it meanwhile.
  auto transport = co_await dial(wanted, !wanted.websocket, connect_deadline());
  if (!transport) co_return base::fail(std::move(transport.error()));
  if (!speaks_http2(*transport)) {
    lease.http1 = http1_of(std::move(*transport));
    co_return base::Result<Lease>(std::move(lease));
  }
  speaks_ = Speaks::kHttp2;
  sessions_.connected(std::move(*transport), options_.http2);
  co_return base::Result<Lease>(std::move(lease));  // of nothing
}

Upstream::Lease Upstream::lease_idle(bool fresh) {
  const bool pooled = proxy_protocol_ == 0 && speaks_ == Speaks::kHttp1;
  return pooled && !last_.passed() && !gate_.closed() ? take_idle(fresh) : Lease();
}

base::Task<base::Result<Upstream::Lease>> Upstream::lease(Wanted wanted) {
  if (proxy_protocol_ != 0) co_return co_await lease_own(std::move(wanted));
  const bool only_http1 = wanted.websocket && server_.scheme != Scheme::kH2c;
  const auto deadline = connect_deadline();
  while (!deadline.passed() && !gate_.closed()) {
    Lease lease;
    if (only_http1 || speaks_ == Speaks::kHttp1) {
      auto http1 = co_await lease_http1(wanted);
      if (!http1 || http1->http1) co_return http1;
    }
    auto opened = sessions_.open();
    if (opened.stream) {
      lease.http2 = std::move(opened.stream);
      lease.reused = opened.reused;
      co_return base::Result<Lease>(std::move(lease));
    }
    if (!sessions_.starting() && !sessions_.full()) {
      sessions_.connecting();
      gate_.spawn(connect_for_all(), "connect to an upstream");
    }
    auto changed = co_await sessions_.wait(deadline);
    if (changed) continue;
    // It may have taken the connection and never have spoken HTTP/2.
    const bool busy = changed.error().code == base::Code::kOverload;
    if (!busy) out_until_ = base::Clock::now() + kOut;
    co_return base::fail(std::move(changed.error()));
  }
  co_return base::fail(base::Code::kTimeout, base::Side::kUpstream, base::Retry::kYes,
                       "no connection in time");
}

void Upstream::give_back(Lease lease, bool well, std::string_view keep_alive) {
  if (!lease.http1) return;  // a stream that has not ended is reset when it dies
  const bool keep = well && proxy_protocol_ == 0 && !gate_.closed();
  if (keep) {
    idle_.give_back(std::move(lease.http1), keep_alive, loop_.turn_began());
  } else if (well) {
    lease.http1->close();
  } else {
    lease.http1->reset();
  }
}

// --- ending ---

bool Upstream::sweep() {
  idle_.sweep(base::Clock::now());
  sessions_.sweep(keepalive_.idle.count() > 0 ? keepalive_.idle : IdleConnections::kAtMost,
                  options_.connect);
  return idle_.count() != 0 || sessions_.count() != 0;
}

base::Task<void> Upstream::stop() {
  idle_.close_all();
  gate_.shut();
  co_await sessions_.stop();
  (void)co_await gate_.close();
  idle_.close_all();
}

}  // namespace gatehouse::proxy
