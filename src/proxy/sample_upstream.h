// The application behind the embedded default: a page that says what reached it. A real server on
// a loopback port, so that trying gatehouse out goes the whole way through it.
#pragma once

#include <memory>

#include "base/gate.h"
#include "base/socket.h"

namespace gatehouse::proxy {

// On one loop.
class SampleUpstream {
 public:
  // `fd` is a listening socket.
  SampleUpstream(base::Loop& loop, int fd);

  void start();
  // Ends connections at once.
  base::Task<void> stop();

 private:
  base::Task<void> accept();
  base::Task<void> serve(std::unique_ptr<base::Socket> socket);

  base::Socket listener_;
  base::Gate gate_;
};

}  // namespace gatehouse::proxy
