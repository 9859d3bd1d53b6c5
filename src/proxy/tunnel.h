// Two streams joined after "101 Switching Protocols" (RFC 9110 7.8): bytes both ways until both
// sides have ended, each on its own (half-close), or one breaks off. On the worker's thread.
#pragma once

#include <cstdint>

#include "base/gate.h"
#include "base/timer_wheel.h"
#include "http/stream.h"

namespace gatehouse::proxy {

// Lives until run() has returned.
class Tunnel {
 public:
  // `idle`: how long it may be silent in both directions together; zero for no limit.
  Tunnel(base::Loop& loop, http::ServerStream& down, http::ClientStream& up, base::Duration idle);
  Tunnel(const Tunnel&) = delete;
  Tunnel& operator=(const Tunnel&) = delete;

  // Passes bytes on until both sides have ended well. Error: what broke it, `side` says who;
  // kTimeout with kLocal when it was idle. Both streams have been reset then.
  base::Task<base::Result<void>> run();

  std::uint64_t bytes_up() const { return bytes_up_; }      // from the client
  std::uint64_t bytes_down() const { return bytes_down_; }  // to the client

 private:
  static void silent(void* self);
  base::Task<void> pass_up();
  base::Task<void> pass_down();
  void alive() { loop_.wheel().arm(timer_, base::Deadline::in(idle_)); }
  void cut(base::Error error);

  base::Loop& loop_;
  http::ServerStream& down_;
  http::ClientStream& up_;
  base::Duration idle_;
  base::WheelTimer timer_;
  base::Gate gate_;
  std::uint64_t bytes_up_ = 0;
  std::uint64_t bytes_down_ = 0;
  base::Result<void> outcome_;
};

}  // namespace gatehouse::proxy
