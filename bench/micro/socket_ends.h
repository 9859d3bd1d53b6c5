// Two ends of a connection within the process.
#pragma once

#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>

namespace gatehouse::bench {

// Non-blocking; whoever takes an end closes it.
struct SocketEnds {
  SocketEnds() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds) != 0) {
      std::abort();
    }
    near = fds[0];
    far = fds[1];
  }
  int near = -1;
  int far = -1;
};

}  // namespace gatehouse::bench
