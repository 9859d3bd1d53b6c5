// One worker's view of one upstream server: its addresses, whether it is out, and the connections
// to it, in HTTP/1.1 and HTTP/2. On the worker's thread.
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
#include "proxy/http2_sessions.h"
#include "proxy/idle_connections.h"
#include "proxy/upstream_contexts.h"

namespace gatehouse::proxy {

struct UpstreamOptions {
  base::Duration connect{3'000};  // resolve, connect, TLS and the first SETTINGS together
  http::Http1ClientOptions client;
  http::Http2Options http2;
  const UpstreamContexts* contexts = nullptr;  // outlives the upstreams; null where none is https

  UpstreamOptions() = default;
};

class Upstream {
 public:
  static constexpr base::Duration kResolveAgain{10'000};  // age of an answer that is renewed
  static constexpr base::Duration kOut{5'000};            // after a failure to connect

  // Loop and resolver outlive it. `server`, and what `group` says of all its servers, are its
  // identity.
  Upstream(base::Loop& loop, base::Resolver& resolver, const config::Proxy& group,
           config::UpstreamServer server, UpstreamOptions options);
  // stop() has returned.
  ~Upstream();

  // "host:port" or "unix:/path", for logs.
  const std::string& name() const { return name_; }
  // Whether connecting failed lately: others are better tried first.
  bool is_out() const { return out_until_ != base::TimePoint() && base::Clock::now() < out_until_; }

  // What an exchange wants to send.
  struct Wanted {
    bool fresh = false;      // not on an HTTP/1.1 connection that lay idle
    bool websocket = false;  // a head with `upgrade`
    base::Endpoint client;   // of the client's connection, for the PROXY header
    base::Endpoint server;

    Wanted() = default;
  };

  // A connection, or a stream of one, for one exchange. Goes back by give_back().
  struct Lease {
    http::ClientStream& stream() const { return http1 ? *http1 : *http2; }
    std::unique_ptr<http::Http1Client> http1;
    std::unique_ptr<http::ClientStream> http2;  // without http1
    bool reused = false;                        // the connection had served before
    base::Duration age{0};                      // for which it had lain idle
  };

  // A connection that lies idle and may carry the request, or none: asked before lease().
  Lease lease_idle(bool fresh);
  // Errors, all with Retry::kYes: kNotFound, kRefused, kTimeout, kTls, kOverload and what else
  // connecting may meet.
  base::Task<base::Result<Lease>> lease(Wanted wanted);
  // After the exchange. `well`: it was brought to its end; else the connection, or the stream, is
  // broken off. `keep_alive`: what the upstream said in Keep-Alive ("timeout=5"), or nothing.
  void give_back(Lease lease, bool well, std::string_view keep_alive);

  // A new HTTP/1.1 connection. Errors as lease().
  base::Task<base::Result<std::unique_ptr<http::Http1Client>>> connect();

  IdleConnections& idle() { return idle_; }
  Http2Sessions& sessions() { return sessions_; }
  // Closes what is too old, or what the server has ended. From time to time; false when there is
  // nothing to look after.
  bool sweep();

  // Neither resolving nor connecting waits beyond `last` from now on.
  void limit(base::Deadline last) { last_ = last; }

  // Closes what is idle, ends what HTTP/2 connections there are, waits for what is under way.
  base::Task<void> stop();

 private:
  // What HTTP version the server speaks, as far as we know.
  enum class Speaks : std::uint8_t { kUnknown, kHttp1, kHttp2 };

  bool encrypted() const { return server_.scheme == config::UpstreamServer::Scheme::kHttps; }
  base::Task<base::Result<std::vector<base::Endpoint>>> addresses(base::Deadline deadline);
  base::Task<void> resolve();
  base::Task<base::Result<tls::Transport>> dial(Wanted wanted, bool http2, base::Deadline deadline);
  base::Task<base::Result<void>> greet(tls::Transport& transport, const Wanted& wanted, bool http2,
                                       base::Deadline deadline);
  base::Task<base::Result<Lease>> lease_own(Wanted wanted);
  base::Task<base::Result<Lease>> lease_http1(Wanted wanted);
  base::Task<void> connect_for_all();
  bool speaks_http2(const tls::Transport& transport) const;
  std::unique_ptr<http::Http1Client> http1_of(tls::Transport transport) const;
  Lease take_idle(bool unused);
  base::Deadline connect_deadline() const {
    return base::Deadline::in(options_.connect).min(last_);
  }

  base::Loop& loop_;
  base::Resolver& resolver_;
  config::UpstreamServer server_;
  config::UpstreamTls tls_;
  config::Keepalive keepalive_;
  int proxy_protocol_;
  UpstreamOptions options_;
  std::string name_;
  Speaks speaks_ = Speaks::kHttp1;

  IdleConnections idle_;
  Http2Sessions sessions_;

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
