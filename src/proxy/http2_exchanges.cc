#include "proxy/http2_exchanges.h"

#include "base/log.h"

namespace gatehouse::proxy {

Http2Exchanges::Http2Exchanges(ExchangeParts parts, const Snapshot& snapshot,
                               const ClientFacts& facts, tls::Transport& transport,
                               const http::Http2Options& options, base::Chunk first)
    : parts_(parts),
      snapshot_(snapshot),
      facts_(facts),
      server_(transport, options, std::move(first)),
      gate_(parts.loop) {}

base::Task<void> Http2Exchanges::exchange(std::unique_ptr<http::ServerStream> stream) {
  Running running(parts_, snapshot_, facts_, *stream);
  running_.push_back(running);
  co_await running.exchange.run();
}

base::Task<void> Http2Exchanges::run() {
  for (;;) {
    auto stream = co_await server_.next();
    if (!stream) {
      base::log::debug("a connection ended",
                       {{"client_ip", facts_.ip}, {"error", stream.error().detail}});
      break;
    }
    if (*stream == nullptr) break;
    gate_.spawn(exchange(std::move(*stream)), "exchange");
  }
  (void)co_await gate_.close();
  co_await server_.end();
}

void Http2Exchanges::cut() {
  for (auto& running : running_) running.exchange.cut();
}

}  // namespace gatehouse::proxy
