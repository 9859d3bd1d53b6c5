#include "proxy/idle_connections.h"

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

base::Duration age_of(base::TimePoint since, base::TimePoint now) {
  return std::chrono::duration_cast<base::Duration>(now - since);
}

}  // namespace

IdleConnections::IdleConnections(const config::Keepalive& options)
    : most_connections_(options.connections),
      configured_(options.idle.count() > 0 ? std::min(options.idle, kAtMost) : kAtMost),
      limit_(configured_),
      most_(configured_) {}

IdleConnections::Idled IdleConnections::take(bool unused, base::TimePoint now) {
  while (!idle_.empty()) {
    if (unused && idle_.back().connection->exchanges() != 0) break;
    auto last = std::move(idle_.back());
    idle_.pop_back();
    Idled taken;
    taken.age = age_of(last.since, now);
    const bool young = taken.age < limit_;
    if (young && last.connection->still_idle()) {
      if (taken.age * 4 > limit_ * 3) dare_more();
      taken.connection = std::move(last.connection);
      return taken;
    }
    if (young) found_stale(taken.age);
    last.connection->close();
  }
  return {};
}

void IdleConnections::give_back(Connection connection, std::string_view keep_alive,
                                base::TimePoint now) {
  if (!connection->reusable()) {
    connection->close();
    return;
  }
  heed(keep_alive);
  add(std::move(connection), now);
}

void IdleConnections::keep_unused(Connection connection) {
  idle_.push_back({std::move(connection), base::Clock::now()});
}

void IdleConnections::add(Connection connection, base::TimePoint now) {
  if (most_connections_ == 0) {
    connection->close();
    return;
  }
  if (idle_.size() / kSurge >= most_connections_) {
    idle_.front().connection->close();
    idle_.erase(idle_.begin());
  }
  idle_.push_back({std::move(connection), now});
}

void IdleConnections::close_all() {
  for (auto& idle : idle_) idle.connection->close();
  idle_.clear();
}

// A server that says how long it keeps connections is believed, less the time of the way there.
void IdleConnections::heed(std::string_view keep_alive) {
  const auto hinted = hinted_timeout(keep_alive);
  if (hinted.count() <= 0) return;
  const auto safe = std::max(hinted - base::Duration(1'000), hinted / 2);
  most_ = std::clamp(safe, std::min(kAtLeast, configured_), configured_);
  limit_ = std::min(limit_, most_);
}

void IdleConnections::dare_more() { limit_ = std::min(limit_ * 5 / 4, most_); }

void IdleConnections::found_stale(base::Duration age) {
  if (age < kAtLeast) return;  // it was closed for another reason than its age
  limit_ = std::clamp(age * 3 / 4, std::min(kAtLeast, limit_), limit_);
}

void IdleConnections::sweep(base::TimePoint now) {
  const auto limit = limit_;
  bool outlived = false;
  auto surplus = idle_.size() - std::min(idle_.size(), most_connections_);
  std::erase_if(idle_, [&](Idle& idle) {
    const auto age = age_of(idle.since, now);
    const bool stands = idle.connection->still_idle();
    const bool too_many = surplus != 0 && age >= kSurgeTime;
    if (stands && age < limit && !too_many) return false;
    if (surplus != 0) --surplus;
    outlived = outlived || (stands && age >= limit);
    if (!stands) found_stale(age);
    idle.connection->close();
    return true;
  });
  // Given up by us, not by the server: the next ones may lie longer.
  if (outlived) dare_more();
}

}  // namespace gatehouse::proxy
