// Connected TCP sockets on the loopback address.
#pragma once

#include <stdexcept>

#include "base/socket.h"
#include "tests/base/on_loop.h"

namespace gatehouse::base {

struct SocketPair {
  Socket client;
  Socket server;
};

inline Socket listen_on_loopback(Loop& loop) {
  auto fd = listen_on(*Endpoint::from_ip("127.0.0.1", 0), false);
  if (!fd) throw std::runtime_error(fd.error().detail);
  return Socket(loop, *fd);
}

inline SocketPair connected_pair(Loop& loop) {
  auto listener = listen_on_loopback(loop);
  auto client = run(loop, connect(loop, listener.local(), Deadline::never()));
  auto server = run(loop, accept(listener));
  return SocketPair{std::move(client.value()), std::move(server.value())};
}

}  // namespace gatehouse::base
