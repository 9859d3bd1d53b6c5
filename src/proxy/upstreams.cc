#include "proxy/upstreams.h"

#include <algorithm>
#include <random>

namespace gatehouse::proxy {

Upstreams::Upstreams(base::Loop& loop, base::Resolver& resolver, UpstreamOptions options)
    : loop_(loop),
      resolver_(resolver),
      options_(options),
      timer_(&Upstreams::sweep, this),
      random_(std::random_device()() | 1) {}

Upstream& Upstreams::find(const config::UpstreamServer& server) {
  auto& named = named_[&server];
  if (named != nullptr) return *named;
  std::string key = server.host + ":" + std::to_string(server.port);
  auto& found = servers_[std::move(key)];
  if (!found) {
    found = std::make_unique<Upstream>(loop_, resolver_, server, options_);
    found->limit(last_);
  }
  named = found.get();
  return *named;
}

Upstream* Upstreams::choose(const config::Proxy& route, const std::vector<Upstream*>& tried) {
  if (!timer_.armed()) loop_.wheel().arm(timer_, base::Deadline::in(kSweep));
  const auto was_tried = [&tried](const Upstream* one) {
    return std::ranges::find(tried, one) != tried.end();
  };
  random_ ^= random_ << 13;  // xorshift: spreading needs no secrecy
  random_ ^= random_ >> 17;
  random_ ^= random_ << 5;
  Upstream* second_best = nullptr;
  for (std::size_t i = 0; i < route.servers.size(); ++i) {
    auto& one = find(route.servers[(random_ + i) % route.servers.size()]);
    if (was_tried(&one)) continue;
    if (!one.is_out()) return &one;
    if (second_best == nullptr) second_best = &one;
  }
  return second_best;
}

void Upstreams::sweep(void* self) {
  auto* all = static_cast<Upstreams*>(self);
  bool any = false;
  for (auto& [name, server] : all->servers_) {
    server->sweep();
    any = any || server->idle_count() > 0;
  }
  // Nothing idle, nothing to look after: the next request arms it again.
  if (any) all->loop_.wheel().arm(all->timer_, base::Deadline::in(kSweep));
}

void Upstreams::limit(base::Deadline last) {
  last_ = last;
  for (auto& [name, server] : servers_) server->limit(last);
}

base::Task<void> Upstreams::stop() {
  timer_.disarm();
  for (auto& [name, server] : servers_) co_await server->stop();
}

}  // namespace gatehouse::proxy
