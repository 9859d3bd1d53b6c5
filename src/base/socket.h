// Non-blocking stream sockets on a loop: listen, accept, connect, wait. Reading and writing are
// the caller's own system calls on `native()`, tried first; the waits here are for when a call
// would block. Who says that it has found nothing more (read_all(), wrote_all_it_took()) saves the
// next wait a call.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/endpoint.h"
#include "base/loop.h"

namespace gatehouse::base {

// Owns a file descriptor and its registration with the loop. At most one task waits for reading
// and one for writing at a time. Must outlive the waits on it. Movable while nobody waits.
class Socket {
 public:
  static constexpr int kKeepAlive = 15;  // seconds
  static constexpr int kKeepAliveProbes = 4;

  // Takes `fd`, which must be non-blocking.
  Socket(Loop& loop, int fd);
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&&) = delete;
  ~Socket() { close(); }

  bool is_open() const { return watch_ != nullptr; }
  int native() const { return watch_ == nullptr ? -1 : watch_->fd; }
  Loop& loop() { return *loop_; }

  // Return when reading (writing) may succeed, or the peer has ended or broken the connection.
  // Errors: kTimeout at the deadline; kCancelled after interrupt() or close().
  Task<Result<void>> wait_readable(Deadline deadline);
  Task<Result<void>> wait_writable(Deadline deadline);

  // A read has just brought less than it could have, or nothing yet.
  void read_all() {
    if (watch_ == nullptr || watch_->ended) return;
    watch_->known[0] = false;
    watch_->read_in_turn = loop_->poller().turns();
  }
  // The same for a write.
  void wrote_all_it_took() {
    if (watch_ != nullptr) watch_->known[1] = false;
  }
  // Whether a read may bring something, as far as the loop has been told.
  bool may_read() const { return watch_ == nullptr || watch_->known[0] || watch_->ended; }
  // Whether the loop has asked since read_all(), and nothing had come, nor the end.
  bool is_quiet() const {
    return watch_ != nullptr && !watch_->known[0] && watch_->read_in_turn < loop_->poller().turns();
  }

  // Returns only with an error: kTimeout, kCancelled (interrupt, close), or kReset when the
  // connection broke. For who may not read yet.
  Task<Result<void>> wait_for_interrupt(Deadline deadline);

  // Wakes whoever waits now, with kCancelled. Later waits are not touched.
  void interrupt();
  // The same for who waits for reading alone.
  void interrupt_reading();
  // Sends FIN after what the kernel holds; reading goes on (half-close).
  void shutdown_send();
  // Lets the kernel find out whether the other side still exists: asked every kKeepAlive while
  // nothing comes, given up after kKeepAliveProbes without an answer. For connections that may be
  // silent for long (TCP alone; RFC 9293 3.8.4).
  void keep_alive();
  // Lets the kernel break the connection when, for so long, the other side acknowledges nothing of
  // what it was sent, or has no room for more (TCP_USER_TIMEOUT; RFC 9293 3.8.3). 0: its own limit.
  void limit_unacknowledged(Duration limit);
  // Bytes that were written and that the other side has not acknowledged yet.
  std::uint64_t unacknowledged();
  // Closes at once, wakes whoever waits. Safe to call twice.
  void close();
  // Closes with RST instead of FIN, so that the peer cannot take a cut message for a whole one.
  void close_with_reset();

  // The other side's address; empty when the connection is gone.
  Endpoint peer();
  // Our side's address.
  Endpoint local();

 private:
  friend Task<Result<Socket>> connect(Loop& loop, Endpoint to, Deadline deadline);
  struct Wait;

  Task<Result<void>> wait(Readiness what, Deadline deadline);
  void wake(Readiness what);

  Loop* loop_;
  Watch* watch_;  // null once closed
  std::uint32_t interrupts_ = 0;
  std::uint32_t reading_interrupts_ = 0;
};

// Connects a TCP socket (TCP_NODELAY) or a Unix socket. Errors: kRefused, kTimeout, kIo; all may
// be retried, nothing was sent.
Task<Result<Socket>> connect(Loop& loop, Endpoint to, Deadline deadline);

// Opens a listening socket: non-blocking, SO_REUSEADDR, and SO_REUSEPORT when `shared`, so that
// every worker has one on the same address. An old Unix socket file is replaced when nobody
// answers on it. Call at start (it may wait for the file system).
// Errors: kIo, kDenied with the address and what to do about it.
Result<int> listen_on(const Endpoint& at, bool shared);

// Takes a connection from a listening socket, whose options it inherits: TCP_NODELAY of
// listen_on(), limit_unacknowledged(). `peer` is who has connected. Errors: kCancelled when the
// listener was closed or interrupted; kIo when the process has no descriptors left (the caller
// waits a little and tries again); broken connections are skipped.
Task<Result<Socket>> accept(Socket& listener, Endpoint& peer);
Task<Result<Socket>> accept(Socket& listener);

}  // namespace gatehouse::base
