// One worker's view of one upstream server: its addresses, whether it is out, and the idle
// connections to it. On the worker's thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/event.h"
#include "base/gate.h"
#include "base/resolver.h"
#include "config/model.h"
#include "http/http1_client.h"

namespace gatehouse::proxy {

struct UpstreamOptions {
  base::Duration connect{3'000};  // resolve and connect together
  http::Http1ClientOptions client;

  UpstreamOptions() = default;
};

class Upstream {
 public:
  static constexpr std::size_t kIdleConnections = 128;  // kept for one server
  static constexpr base::Duration kIdleAtMost{60'000};
  static constexpr base::Duration kIdleAtLeast{500};
  static constexpr base::Duration kResolveAgain{10'000};  // age of an answer that is renewed
  static constexpr base::Duration kOut{5'000};            // after a failure to connect

  // Loop and resolver outlive it. `server` is its identity.
  Upstream(base::Loop& loop, base::Resolver& resolver, config::UpstreamServer server,
           UpstreamOptions options);
  // stop() has returned.
  ~Upstream();

  // "host:port", for logs.
  const std::string& name() const { return name_; }
  // Whether connecting failed lately: others are better tried first.
  bool is_out() const { return base::Clock::now() < out_until_; }

  using Connection = std::unique_ptr<http::Http1Client>;

  // A connection that lay idle, and for how long.
  struct Idled {
    Connection connection;
    base::Duration age{0};
  };

  // The idle connection that was used last and still stands, or none.
  Idled take_idle();
  // A new connection. Errors, all with Retry::kYes: kNotFound, kRefused, kTimeout.
  base::Task<base::Result<Connection>> connect();
  // Takes a connection back after an exchange; closes it when it is of no more use.
  // `keep_alive`: what the upstream said in Keep-Alive ("timeout=5"), or nothing.
  void give_back(Connection connection, std::string_view keep_alive);
  // A connection that had lain idle for `age` broke before it answered: idle ones of that age are
  // not to be trusted.
  void found_stale(base::Duration age);
  // Closes idle connections that are too old, or that the server has ended. From time to time.
  void sweep();
  std::size_t idle_count() const { return idle_.size(); }
  // How long connections lie idle at most, as learnt so far.
  base::Duration idle_limit() const { return idle_limit_; }

  // Neither resolving nor connecting waits beyond `last` from now on.
  void limit(base::Deadline last) { last_ = last; }

  // Closes what is idle and waits for a look-up under way.
  base::Task<void> stop();

 private:
  struct Idle {
    Connection connection;
    base::TimePoint since;
  };

  base::Task<base::Result<std::vector<base::Endpoint>>> addresses(base::Deadline deadline);
  base::Task<void> resolve();
  void heed(std::string_view keep_alive);
  void dare_more();
  base::Deadline connect_deadline() const {
    return base::Deadline::in(options_.connect).min(last_);
  }

  base::Loop& loop_;
  base::Resolver& resolver_;
  config::UpstreamServer server_;
  UpstreamOptions options_;
  std::string name_;

  std::vector<Idle> idle_;                   // oldest first
  base::Duration idle_limit_ = kIdleAtMost;  // learnt: shorter than the server's own
  base::Duration idle_most_ = kIdleAtMost;   // less when the server says how long it keeps them

  std::vector<base::Endpoint> addresses_;  // the last good answer
  base::Error resolve_error_;
  base::TimePoint resolved_at_{};
  std::uint32_t next_address_ = 0;
  bool resolving_ = false;
  base::Event resolved_;
  base::Gate gate_;
  base::TimePoint out_until_{};
  base::Deadline last_;
};

}  // namespace gatehouse::proxy
