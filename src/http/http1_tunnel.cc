#include "http/http1_tunnel.h"

namespace gatehouse::http {

namespace {

constexpr std::size_t kTunnelRead = 8 * 1024;  // least room for a read

}  // namespace

base::Task<base::Result<std::size_t>> receive(tls::Transport& transport, Inbox& inbox) {
  for (;;) {
    auto got = transport.try_read(inbox.room(kTunnelRead));
    if (got) inbox.filled(*got);
    if (!got || *got == 0) inbox.release();
    if (got || got.error().code != base::Code::kOverload) co_return got;
    auto waited = co_await transport.wait_readable(base::Deadline::never());
    if (!waited) co_return base::fail(std::move(waited.error()));
  }
}

base::Chunk take_all(Inbox& inbox) {
  return inbox.empty() ? base::Chunk() : inbox.take(inbox.bytes().size());
}

}  // namespace gatehouse::http
