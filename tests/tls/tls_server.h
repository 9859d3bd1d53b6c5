// A loop that serves TLS on the test's thread while a client runs on another one.
#pragma once

#include <sys/socket.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>

#include "tests/base/on_loop.h"
#include "tests/base/socket_pair.h"
#include "tests/tls/raw_client.h"
#include "tests/tls/test_ca.h"
#include "tls/context.h"
#include "tls/session_tickets.h"
#include "tls/transport.h"

namespace gatehouse::tls {

inline base::Deadline soon() { return base::Deadline::in(std::chrono::seconds(30)); }

struct TlsServer {
  explicit TlsServer(const ServerOptions& options = {})
      : context(ServerContext::make(options, tickets).value()) {}

  // A connection: our end, and the other end's blocking descriptor.
  std::pair<base::Socket, int> connection() {
    auto listener = base::listen_on_loopback(loop);
    const auto at = listener.local();
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(fd, at.address(), at.length()) != 0) throw std::runtime_error("connect");
    return {std::move(base::run(loop, base::accept(listener)).value()), fd};
  }

  // Runs `serve` here with the connection's Transport, and `talk` on a thread of its own.
  template <class Serve>
  auto with_client(RawOptions options, Serve serve, std::function<void(RawClient&)> talk) {
    auto ends = connection();
    Transport transport(std::move(ends.first));
    std::jthread other([fd = ends.second, options, talk = std::move(talk)] {
      RawClient client(fd, options);
      talk(client);
    });
    auto result = base::run(loop, serve(transport));
    transport.close();
    return result;
  }

  base::Loop loop;
  SessionTickets tickets;
  std::unique_ptr<ServerContext> context;
  TestCa ca;
};

}  // namespace gatehouse::tls
