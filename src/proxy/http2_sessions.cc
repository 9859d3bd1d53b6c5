#include "proxy/http2_sessions.h"

#include <algorithm>

namespace gatehouse::proxy {

Http2Sessions::Opened Http2Sessions::open() {
  Opened opened;
  for (auto& client : clients_) {
    if (!client->available()) continue;
    opened.reused = client->exchanges() != 0;
    opened.stream = client->open();
    break;
  }
  return opened;
}

bool Http2Sessions::starting() const {
  if (connecting_) return true;
  return std::ranges::any_of(clients_,
                             [](const Client& one) { return !one->ready() && !one->ended(); });
}

// --- connections ---

http::Http2Client* Http2Sessions::add(tls::Transport transport, const http::Http2Options& options) {
  if (gate_.closed()) return nullptr;
  clients_.push_back(std::make_unique<http::Http2Client>(std::move(transport), options));
  auto& client = *clients_.back();
  client.when_changed(&Http2Sessions::changed, this);
  gate_.spawn(run(client), "read an upstream's HTTP/2 connection");
  return &client;
}

base::Task<void> Http2Sessions::run(http::Http2Client& client) {
  co_await client.run();
  client.when_changed(nullptr, nullptr);
  if (!client.ready()) {
    const base::Error silent(base::Code::kClosed,
                             "the upstream closed the connection, or does not speak HTTP/2");
    note(client.error().value_or(silent));
  }
  std::erase_if(clients_, [&client](const Client& one) { return one.get() == &client; });
  changed_.set();
}

void Http2Sessions::note(std::optional<base::Error> failed) {
  if (!failed) return;
  failed->side = base::Side::kUpstream;
  failed->retry = base::Retry::kYes;
  failure_ = std::move(failed);
  ++failures_;
}

void Http2Sessions::connected(tls::Transport transport, const http::Http2Options& options) {
  connecting_ = false;
  add(std::move(transport), options);
  changed_.set();
}

void Http2Sessions::connected(std::optional<base::Error> failed) {
  connecting_ = false;
  note(std::move(failed));
  changed_.set();
}

base::Task<base::Result<void>> Http2Sessions::wait(base::Deadline deadline) {
  if (waiting_ >= kMostWaiting) {
    co_return base::fail(base::Code::kOverload, base::Side::kUpstream, base::Retry::kYes,
                         "too many requests wait for a connection");
  }
  const auto failures = failures_;
  const bool starts = starting();
  ++waiting_;
  changed_.reset();
  auto waited = co_await changed_.wait(deadline);
  --waiting_;
  if (failures_ != failures) co_return base::fail(*failure_);
  if (waited) co_return waited;
  auto& error = waited.error();
  error.side = base::Side::kUpstream;
  error.retry = base::Retry::kYes;
  error.detail = "no connection in time";
  if (!starts) {
    error.code = base::Code::kOverload;
    error.detail = "all streams of all connections are taken";
  }
  co_return waited;
}

Http2Sessions::Opened Http2Sessions::own(tls::Transport transport,
                                         const http::Http2Options& options) {
  Opened opened;
  auto* const client = add(std::move(transport), options);
  if (client == nullptr) return opened;
  opened.stream = client->open();
  client->drain();
  return opened;
}

// --- ending ---

void Http2Sessions::sweep(base::Duration idle, base::Duration start) {
  const auto now = base::Clock::now();
  for (auto& client : clients_) {
    const auto quiet = now - client->idle_since();
    if (!client->ready() && start.count() > 0 && quiet >= start) client->close();
    if (client->ready() && client->streams() == 0 && quiet >= idle) client->drain();
  }
}

base::Task<void> Http2Sessions::stop() {
  gate_.shut();
  for (auto& client : clients_) client->close();
  changed_.set();
  (void)co_await gate_.close();
}

}  // namespace gatehouse::proxy
