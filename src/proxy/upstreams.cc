#include "proxy/upstreams.h"

#include <algorithm>
#include <random>

namespace gatehouse::proxy {

namespace {

// Each part with its length before it, so that no two servers have the same.
std::string identity(const config::Proxy& group, const config::UpstreamServer& server) {
  std::string key;
  const auto add = [&key](std::string_view part) {
    key += std::to_string(part.size());
    key += ':';
    key += part;
  };
  add(std::to_string(static_cast<int>(server.scheme)));
  add(server.unix_path);
  add(server.host);
  add(std::to_string(server.port));
  add(group.tls.server_name);
  add(group.tls.ca_file);
  add(group.tls.client_certificate ? group.tls.client_certificate->file : "");
  add(group.tls.client_certificate ? group.tls.client_certificate->key : "");
  add(group.tls.insecure ? "insecure" : "");
  add(std::to_string(group.proxy_protocol));
  add(std::to_string(group.keepalive.connections));
  add(std::to_string(group.keepalive.idle.count()));
  return key;
}

}  // namespace

Upstreams::Upstreams(base::Loop& loop, base::Resolver& resolver, UpstreamOptions options)
    : loop_(loop),
      resolver_(resolver),
      options_(options),
      timer_(&Upstreams::sweep, this),
      random_(std::random_device()() | 1) {}

Upstream& Upstreams::find(const config::Proxy& group, const config::UpstreamServer& server) {
  auto& named = named_[&server];
  if (named != nullptr) return *named;
  auto& found = servers_[identity(group, server)];
  if (!found) {
    found = std::make_unique<Upstream>(loop_, resolver_, group, server, options_);
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
    auto& one = find(route, route.servers[(random_ + i) % route.servers.size()]);
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
    any = server->sweep() || any;
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
