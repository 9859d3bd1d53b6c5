// The idle HTTP/1.1 connections to one upstream server, and how long they may lie, which is learnt:
// from what the server says, and from what was found closed. On the worker's thread.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "config/model.h"
#include "http/http1_client.h"

namespace gatehouse::proxy {

class IdleConnections {
 public:
  static constexpr base::Duration kAtLeast{500};
  static constexpr base::Duration kAtMost{24 * 3'600'000};  // where the configuration has no limit
  // Between the bursts of many requests at once, so many times the bound may lie idle for so long:
  // or each burst would connect anew.
  static constexpr std::size_t kSurge = 8;
  static constexpr base::Duration kSurgeTime{500};

  using Connection = std::unique_ptr<http::Http1Client>;

  explicit IdleConnections(const config::Keepalive& options);

  // A connection that lay idle, and for how long.
  struct Idled {
    Connection connection;
    base::Duration age{0};
  };

  // The connection that was used last and still stands, or none. `unused`: only one that has not
  // carried an exchange yet. `now`: in its loop's turn.
  Idled take(bool unused = false, base::TimePoint now = base::Clock::now());
  // Takes a connection back after an exchange; closes it when it is of no more use.
  // `keep_alive`: what the upstream said in Keep-Alive ("timeout=5"), or nothing.
  void give_back(Connection connection, std::string_view keep_alive,
                 base::TimePoint now = base::Clock::now());
  // A new connection that somebody will want soon.
  void keep_unused(Connection connection);
  // A connection that had lain idle for `age` broke before it answered: idle ones of that age are
  // not to be trusted.
  void found_stale(base::Duration age);
  // Closes those that are too old or too many, or that the server has ended. From time to time.
  void sweep(base::TimePoint now);
  void close_all();
  std::size_t count() const { return idle_.size(); }
  // How long connections lie idle at most, as learnt so far.
  base::Duration limit() const { return limit_; }

 private:
  struct Idle {
    Connection connection;
    base::TimePoint since;
  };

  void heed(std::string_view keep_alive);
  void dare_more();
  void add(Connection connection, base::TimePoint now);

  std::size_t most_connections_;
  base::Duration configured_;
  std::vector<Idle> idle_;  // oldest first
  base::Duration limit_;    // learnt: shorter than the server's own
  base::Duration most_;     // less when the server says how long it keeps them
};

}  // namespace gatehouse::proxy
