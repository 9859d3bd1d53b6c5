#include "proxy/upstream.h"

#include <algorithm>
#include <charconv>

namespace gatehouse::proxy {

namespace {

// Seconds in "timeout=5, max=100" (the Keep-Alive field), or zero.
base::Duration hinted_timeout(std::string_view keep_alive) {
  const auto at = keep_alive.find("timeout=");
  if (at == std::string_view::npos) return base::Duration(0);
  const auto* begin = keep_alive.data() + at + 8;
  std::uint32_t seconds = 0;
  const auto parsed = std::from_chars(begin, keep_alive.data() + keep_alive.size(), seconds);
  if (parsed.ec != std::errc() || seconds > 86'400) return base::Duration(0);
  return base::Duration(seconds * 1000ll);
}

base::Duration age_of(base::TimePoint since) {
  return std::chrono::duration_cast<base::Duration>(base::Clock::now() - since);
}

}  // namespace

Upstream::Upstream(base::Loop& loop, base::Resolver& resolver, config::UpstreamServer server,
                   UpstreamOptions options)
    : loop_(loop),
      resolver_(resolver),
      server_(std::move(server)),
      options_(options),
      name_(server_.host + ":" + std::to_string(server_.port)),
      resolved_(loop),
      gate_(loop) {}

Upstream::~Upstream() = default;

// --- idle connections ---

Upstream::Idled Upstream::take_idle() {
  while (!idle_.empty()) {
    auto last = std::move(idle_.back());
    idle_.pop_back();
    Idled taken;
    taken.age = age_of(last.since);
    const bool young = taken.age < idle_limit_;
    if (young && last.connection->still_idle()) {
      if (taken.age * 4 > idle_limit_ * 3) dare_more();
      taken.connection = std::move(last.connection);
      return taken;
    }
    if (young) found_stale(taken.age);
    last.connection->close();
  }
  return {};
}

void Upstream::give_back(Connection connection, std::string_view keep_alive) {
  if (!connection->reusable() || gate_.closed()) {
    connection->close();
    return;
  }
  heed(keep_alive);
  if (idle_.size() == kIdleConnections) {
    idle_.front().connection->close();
    idle_.erase(idle_.begin());
  }
  idle_.push_back({std::move(connection), base::Clock::now()});
}

// A server that says how long it keeps connections is believed, less the time of the way there.
void Upstream::heed(std::string_view keep_alive) {
  const auto hinted = hinted_timeout(keep_alive);
  if (hinted.count() <= 0) return;
  const auto safe = std::max(hinted - base::Duration(1'000), hinted / 2);
  idle_most_ = std::clamp(safe, kIdleAtLeast, kIdleAtMost);
  idle_limit_ = std::min(idle_limit_, idle_most_);
}

void Upstream::dare_more() { idle_limit_ = std::min(idle_limit_ * 5 / 4, idle_most_); }

void Upstream::found_stale(base::Duration age) {
  if (age < kIdleAtLeast) return;  // it was closed for another reason than its age
  idle_limit_ = std::clamp(age * 3 / 4, kIdleAtLeast, idle_limit_);
}

void Upstream::sweep() {
  const auto limit = idle_limit_;
  bool outlived = false;
  std::erase_if(idle_, [&](Idle& idle) {
    const auto age = age_of(idle.since);
    const bool stands = idle.connection->still_idle();
    if (stands && age < limit) return false;
    outlived = outlived || stands;
    if (!stands) found_stale(age);
    idle.connection->close();
    return true;
  });
  // Given up by us, not by the server: the next ones may lie longer.
  if (outlived) dare_more();
}

// --- connecting ---

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

base::Task<base::Result<Upstream::Connection>> Upstream::connect() {
  const auto deadline = connect_deadline();
  auto found = co_await addresses(deadline);
  base::Error error;
  if (found) {
    for (const auto& address : *found) {
      auto socket = co_await base::connect(loop_, address, deadline);
      if (socket) {
        out_until_ = {};
        co_return std::make_unique<http::Http1Client>(tls::Transport(std::move(*socket)),
                                                      options_.client);
      }
      error = std::move(socket.error());
    }
  } else {
    error = std::move(found.error());
  }
  out_until_ = base::Clock::now() + kOut;
  error.side = base::Side::kUpstream;
  error.retry = base::Retry::kYes;
  co_return base::fail(std::move(error));
}

base::Task<void> Upstream::stop() {
  for (auto& idle : idle_) idle.connection->close();
  idle_.clear();
  (void)co_await gate_.close();
}

}  // namespace gatehouse::proxy
