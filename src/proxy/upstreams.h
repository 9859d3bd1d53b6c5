// A worker's upstream servers, each once however many routes name it, and the choice among those of
// a route. On the worker's thread.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "proxy/upstream.h"

namespace gatehouse::proxy {

class Upstreams {
 public:
  static constexpr base::Duration kSweep{1'000};

  Upstreams(base::Loop& loop, base::Resolver& resolver, UpstreamOptions options);

  // `route` stays where it is. The server to try next of its servers: at random among those that
  // are neither out nor in `tried`, else among those not in `tried`; null when all were tried.
  Upstream* choose(const config::Proxy& route, const std::vector<Upstream*>& tried);

  // Neither resolving nor connecting waits beyond `last` from now on.
  void limit(base::Deadline last);
  // Closes idle connections, waits for what is under way.
  base::Task<void> stop();

 private:
  static void sweep(void* self);
  Upstream& find(const config::Proxy& group, const config::UpstreamServer& server);

  base::Loop& loop_;
  base::Resolver& resolver_;
  UpstreamOptions options_;
  // A configuration's servers, found by where they stand in it: it outlives this.
  std::unordered_map<const config::UpstreamServer*, Upstream*> named_;
  // By all that tells connections to one server from those to another. Bounded by what the
  // configuration names.
  std::unordered_map<std::string, std::unique_ptr<Upstream>> servers_;
  base::WheelTimer timer_;
  base::Deadline last_;
  std::uint32_t random_;
};

}  // namespace gatehouse::proxy
