// The requests of one client's HTTP/2 connection: each an exchange of its own, many at once. On the
// worker's thread.
#pragma once

#include <boost/intrusive/list.hpp>
#include <memory>

#include "base/gate.h"
#include "http/http2_server.h"
#include "proxy/exchange.h"

namespace gatehouse::proxy {

// Lives until run() has returned.
class Http2Exchanges {
 public:
  // All outlive it. `first`: bytes that were read already; may be empty.
  Http2Exchanges(ExchangeParts parts, const Snapshot& snapshot, const ClientFacts& facts,
                 tls::Transport& transport, const http::Http2Options& options, base::Chunk first);

  // Until the connection has ended, and with it the last exchange.
  base::Task<void> run();
  // No further requests are taken; those under way are finished.
  void drain() { server_.set_draining(); }
  // Ends what is under way with upstreams.
  void cut();

 private:
  struct Running : boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    Running(ExchangeParts parts, const Snapshot& snapshot, const ClientFacts& facts,
            http::ServerStream& stream)
        : exchange(parts, snapshot, facts, stream) {}
    Exchange exchange;
  };
  using Exchanges = boost::intrusive::list<Running, boost::intrusive::constant_time_size<false>>;

  base::Task<void> exchange(std::unique_ptr<http::ServerStream> stream);

  ExchangeParts parts_;
  const Snapshot& snapshot_;
  const ClientFacts& facts_;
  http::Http2Server server_;
  Exchanges running_;
  base::Gate gate_;
};

}  // namespace gatehouse::proxy
