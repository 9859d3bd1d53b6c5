#include "http/linger.h"

namespace gatehouse::http {

base::Task<void> linger(tls::Transport& transport) {
  const auto deadline = base::Deadline::in(kLingerTime);
  co_await transport.shutdown_send(deadline);
  auto block = transport.socket().loop().buffers().acquire();
  for (std::size_t dropped = 0; dropped <= kLingerBytes;) {
    const base::MutableBytes room(block->data(), block->size());
    const auto got = co_await transport.read(room, deadline);
    if (!got || *got == 0) break;
    dropped += *got;
  }
}

}  // namespace gatehouse::http
