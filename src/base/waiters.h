// A loop's table of tasks that wait for an answer made on another thread. The question carries the
// id only; an answer whose id is gone is dropped, so nobody needs to cancel anything and no pointer
// crosses threads.
#pragma once

#include <poll.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <optional>
#include <unordered_map>

#include "base/socket.h"

namespace gatehouse::base {

// One loop, its thread. T is the answer (copyable or movable).
template <class T>
class Waiters {
 public:
  using Id = std::uint64_t;

  // `bound`: how many may wait at once (0: no bound).
  explicit Waiters(std::size_t bound) : bound_(bound) {}

  std::size_t count() const { return waiting_.size(); }

  // A place in the table. Error: kOverload when it is full.
  Result<Id> enter() {
    if (bound_ != 0 && waiting_.size() >= bound_) {
      return fail(Code::kOverload, "too many handshakes wait for a certificate");
    }
    const Id id = next_++;
    waiting_.emplace(id, Entry());
    return id;
  }

  // Waits on behalf of the connection `socket` until answer(id, …), and gives the place back.
  // Errors: kTimeout at the deadline; kClosed as soon as the peer has gone; kCancelled when the
  // socket was closed.
  Task<Result<T>> wait(Id id, Socket& socket, Deadline deadline) {
    auto& entry = waiting_.at(id);
    entry.socket = &socket;
    auto outcome = co_await wait_in_place(entry, socket, deadline);
    waiting_.erase(id);
    co_return outcome;
  }

  // Hands the answer to who waits for it; nothing when nobody does any more. On the loop's thread.
  void answer(Id id, T value) {
    const auto found = waiting_.find(id);
    if (found == waiting_.end()) return;
    found->second.value.emplace(std::move(value));
    if (found->second.socket != nullptr) found->second.socket->interrupt();
  }

 private:
  struct Entry {
    std::optional<T> value;
    Socket* socket = nullptr;
  };

  static constexpr Duration kLookAgain{1'000};

  static bool peer_has_ended(int fd) {
    pollfd look{fd, POLLRDHUP, 0};
    return ::poll(&look, 1, 0) == 1;
  }

  // References into unordered_map stay valid while others come and go.
  Task<Result<T>> wait_in_place(Entry& entry, Socket& socket, Deadline deadline) {
    bool early_data = false;
    while (!entry.value) {
      Result<void> waited;
      if (early_data) {
        const auto look = Deadline::in(kLookAgain).min(deadline);
        waited = co_await socket.wait_for_interrupt(look);
      } else {
        waited = co_await socket.wait_readable(deadline);
      }
      if (entry.value) break;
      const bool slice_over =
          early_data && !waited && waited.error().code == Code::kTimeout && !deadline.passed();
      if (slice_over && !peer_has_ended(socket.native())) continue;
      if (slice_over) co_return fail(Code::kClosed, Side::kDownstream, "the client has gone");
      if (!waited) co_return fail(std::move(waited.error()));
      char byte;
      const auto peeked = ::recv(socket.native(), &byte, 1, MSG_PEEK | MSG_DONTWAIT);
      if (peeked == 0) co_return fail(Code::kClosed, Side::kDownstream, "the client has gone");
      if (peeked < 0 && errno != EAGAIN && errno != EINTR) {
        co_return fail(from_errno(errno, Side::kDownstream, "while waiting"));
      }
      // Bytes that may not be read yet keep it readable: a broken connection shows by itself, an
      // ended one is looked for now and then.
      early_data = peeked > 0;
    }
    co_return std::move(*entry.value);
  }

  std::size_t bound_;
  Id next_ = 1;
  std::unordered_map<Id, Entry> waiting_;
};

}  // namespace gatehouse::base
