#include "proxy/tunnel.h"

namespace gatehouse::proxy {

Tunnel::Tunnel(base::Loop& loop, http::ServerStream& down, http::ClientStream& up,
               base::Duration idle)
    : loop_(loop), down_(down), up_(up), idle_(idle), timer_(silent, this), gate_(loop) {}

void Tunnel::silent(void* self) {
  static_cast<Tunnel*>(self)->cut(
      base::Error(base::Code::kTimeout, base::Side::kLocal, "the tunnel was idle for too long"));
}

// The first failure counts; the other direction's is only its echo.
void Tunnel::cut(base::Error error) {
  if (!outcome_) return;
  outcome_ = base::fail(std::move(error));
  down_.reset(base::Code::kCancelled);  // RFC 8441 5
  up_.reset();
}

base::Task<void> Tunnel::pass_up() {
  const http::Fields none;
  for (;;) {
    auto chunk = co_await down_.read();
    if (!chunk) {
      cut(std::move(chunk.error()));
      break;
    }
    alive();
    const auto size = chunk->size();
    base::Result<void> passed;
    if (size == 0) {
      passed = co_await up_.finish(none);
    } else {
      passed = co_await up_.write(std::move(*chunk));
    }
    if (!passed) cut(std::move(passed.error()));
    if (!outcome_ || size == 0) break;
    bytes_up_ += size;
  }
}

base::Task<void> Tunnel::pass_down() {
  const http::Fields none;
  for (;;) {
    auto chunk = co_await up_.read();
    if (!chunk) {
      cut(std::move(chunk.error()));
      break;
    }
    alive();
    const auto size = chunk->size();
    base::Result<void> passed;
    if (size == 0) {
      passed = co_await down_.finish(none);
    } else {
      passed = co_await down_.write(std::move(*chunk));
    }
    if (!passed) cut(std::move(passed.error()));
    if (!outcome_ || size == 0) break;
    bytes_down_ += size;
  }
}

base::Task<base::Result<void>> Tunnel::run() {
  alive();
  gate_.spawn(pass_up(), "tunnel");
  co_await pass_down();
  (void)co_await gate_.close();
  timer_.disarm();
  co_return outcome_;
}

}  // namespace gatehouse::proxy
