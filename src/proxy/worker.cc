#include "proxy/worker.h"

#include <algorithm>

#include "base/log.h"
#include "proxy/connection.h"
#include "proxy/protocol_options.h"

namespace gatehouse::proxy {

namespace {

namespace log = base::log;

// Without free descriptors accept() fails at once again: so long a worker waits before it tries.
constexpr base::Duration kDescriptorsPause{100};
// Connections that are taken before others on the loop get their turn.
constexpr unsigned kBurst = 16;
// Of the idle connections a part is ended at a time where memory is short: how much that gives back
// is seen after a while.
constexpr std::size_t kIdleParts = 4;
// A client that has connected says hello within this, or not at all once we stop.
constexpr base::Duration kGreeting{1'000};

// Who has connected. Whoever may open a Unix socket is a neighbour.
base::Endpoint known(const base::Endpoint& peer) {
  if (peer.family() == AF_UNIX) return *base::Endpoint::from_ip("127.0.0.1", 0);
  return peer;
}

UpstreamOptions upstream_options(const config::Config& config, const Shared& shared) {
  UpstreamOptions options;
  options.connect = config.timeouts.upstream_connect;
  options.client = http1_client_options(config);
  options.http2 = http2_client_options(config);
  options.http2.memory = &shared.memory;
  options.contexts = shared.upstream_contexts;
  return options;
}

}  // namespace

Worker::Worker(Shared shared, SnapshotRef snapshot)
    : shared_(shared),
      snapshot_(std::move(snapshot)),
      idle_clients_([&connections = shared.connections, &memory = shared.memory] {
        return std::max(connections.fullness(), memory.fullness());
      }),
      upstreams_(loop_, shared.resolver, upstream_options(snapshot_->config, shared)),
      waiters_(snapshot_->config.limits.waiting_handshakes),
      accepting_(loop_),
      serving_(loop_),
      connections_(std::make_unique<Connections>()) {}

Worker::~Worker() = default;

void Worker::start(std::vector<ListenerSocket> listeners) {
  for (const auto& one : listeners) {
    listeners_.push_back(std::make_unique<base::Socket>(loop_, one.fd));
    listeners_.back()->limit_unacknowledged(snapshot_->config.timeouts.body_idle);
    accepting_.spawn(accept_on(*listeners_.back(), one.tls), "accept");
  }
  thread_ = std::thread([this] { loop_.run(); });
}

base::Task<void> Worker::accept_on(base::Socket& listener, bool tls) {
  for (unsigned taken = 1;; ++taken) {
    base::Endpoint peer;
    auto socket = co_await base::accept(listener, peer);
    if (socket) {
      take(std::move(*socket), known(peer), tls);
      if (taken % kBurst == 0) {
        auto others = loop_.yield();
        co_await others;
      }
      continue;
    }
    if (socket.error().code == base::Code::kCancelled) co_return;
    log::error("cannot accept connections for now", {{"error", socket.error().detail}});
    const auto later = base::Deadline::in(kDescriptorsPause);
    co_await base::sleep_until(loop_, later);
  }
}

void Worker::take(base::Socket socket, const base::Endpoint& peer, bool tls) {
  Connection::Arrival arrival;
  arrival.peer = peer;
  arrival.tls = tls;
  arrival.proxied = base::contains(snapshot_->config.listen.proxy_protocol, arrival.peer);
  if (turns_away(arrival.peer, arrival.proxied)) {
    shared_.abuse.count(base::Abuse::kMemory);
    return;  // closed by its destructor
  }
  auto& admission = shared_.connections;
  auto ticket = arrival.proxied ? admission.enter() : admission.enter(arrival.peer);
  make_room();
  if (!ticket) {
    shared_.abuse.count(base::Abuse::kConnections);
    log::debug("a connection was refused: too many", {{"client_ip", arrival.peer.host()}});
    return;  // closed by its destructor
  }
  auto connection =
      std::make_unique<Connection>(*this, std::move(socket), arrival, std::move(ticket));
  serving_.spawn(serve(std::move(connection)), "connection");
}

// Where there is no memory left. Who asks from this machine whether it serves is heard all the
// same.
bool Worker::turns_away(const base::Endpoint& peer, bool proxied) const {
  return shared_.memory.is_full() && shared_.connections.count() >= kAlwaysConnected &&
         (proxied || !is_loopback(peer));
}

void Worker::end_overdue() {
  const auto late = idle_clients_.end_overdue(snapshot_->config.timeouts.idle);
  for (std::size_t i = 0; i < late; ++i) shared_.abuse.count(base::Abuse::kIdleEnded);
}

// The nearer connections or memory come to their bound, the less time idle ones have; and in its
// last part each that comes, or had to be refused, ends the oldest of them, so that those who want
// something now find room.
void Worker::make_room() {
  end_overdue();
  const bool enough = shared_.connections.fullness() <= http::IdleClients::kShrinkTo;
  if (enough && !shared_.memory.ends_idle()) return;
  if (idle_clients_.count() != 0 || shared_.workers == nullptr) return end_oldest_idle();
  // None here: of the worker that has most of them.
  const auto fewer = [](const auto& a, const auto& b) {
    return a->idle_clients_.count() < b->idle_clients_.count();
  };
  auto* const most =
      std::max_element(shared_.workers->begin(), shared_.workers->end(), fewer)->get();
  if (most->idle_clients_.count() != 0) most->loop_.post([most] { most->end_oldest_idle(); });
}

void Worker::end_oldest_idle() {
  if (idle_clients_.end_oldest()) shared_.abuse.count(base::Abuse::kIdleEnded);
}

void Worker::save_memory(bool end_idle) {
  loop_.post([this, end_idle] {
    using Pool = base::BufferPool;
    loop_.buffers().keep(shared_.memory.is_short() ? Pool::kIdleIfShort : Pool::kIdle);
    end_overdue();
    if (!end_idle) return;
    for (auto n = idle_clients_.count() / kIdleParts + 1; n > 0; --n) end_oldest_idle();
  });
}

base::Task<void> Worker::serve(std::unique_ptr<Connection> connection) {
  connections_->push_back(*connection);
  co_await connection->run();
}

void Worker::begin_stop(base::Deadline deadline, std::function<void()> stopped) {
  loop_.post([this, deadline, stopped = std::move(stopped)]() mutable {
    loop_.spawn(stop(deadline, std::move(stopped)), "stop a worker");
  });
}

base::Task<void> Worker::stop(base::Deadline deadline, std::function<void()> stopped) {
  draining_ = true;
  upstreams_.limit(deadline);
  for (auto& listener : listeners_) listener->close();
  (void)co_await accepting_.close();
  for (auto& connection : *connections_) connection.drain();
  const auto greeted = base::Deadline::in(kGreeting).min(deadline);
  auto drained = co_await serving_.close(greeted);
  if (!drained) {
    for (auto& connection : *connections_) connection.end_if_silent();
    drained = co_await serving_.close(deadline);
  }
  if (!drained) {
    log::warn("connections were cut: they did not end in time", {{"count", serving_.count()}});
    for (auto& connection : *connections_) connection.abort();
    (void)co_await serving_.close();
  }
  co_await upstreams_.stop();
  stopped();
  loop_.stop();
}

void Worker::join() {
  if (thread_.joinable()) thread_.join();
}

}  // namespace gatehouse::proxy
