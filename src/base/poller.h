// What a loop knows of its descriptors: epoll, asked once a turn. A descriptor is registered once,
// edge triggered, so that a wait costs no call of its own; what was told stays known until who
// reads or writes finds nothing more to do. All on the loop's thread.
#pragma once

#include <cstdint>
#include <deque>
#include <vector>

#include "base/ready.h"

namespace gatehouse::base {

enum class Readiness : std::uint8_t { kRead, kWrite, kBroken };

// One descriptor's state.
struct Watch {
  int fd = -1;
  std::uint32_t place = 0;       // in the poller's table
  std::uint32_t generation = 0;  // counted up when the place is given to another descriptor
  bool known[3] = {};            // by Readiness: may be so
  bool ended = false;            // the peer has sent FIN: reading never waits again
  bool asks_to_write = false;
  std::uint64_t read_in_turn = 0;  // the poller's, when everything was found read
  Ready* waiting[3] = {};
};

class Poller {
 public:
  // Throws std::system_error when the process has no descriptors left.
  Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;
  ~Poller();

  // Begins to watch an open descriptor, and ends it: it is closed next. The Watch stays in its
  // place meanwhile.
  Watch& add(int fd);
  void remove(Watch& watch);

  // Whether a wait for it would be over at once. May ask the kernel.
  bool is_ready(Watch& watch, Readiness what);
  // `who` is put into the list of take() when it may be so.
  void wait(Watch& watch, Readiness what, Ready& who);

  // Whether to be told of room to write: wait() begins that. Who will hardly wait for it again ends
  // it, since each piece that comes would be told twice.
  void ask_to_write(Watch& watch, bool on);

  // Waits for news, `timeout` milliseconds at most (-1: without end), and moves who waited for
  // them to `ready`.
  void take(int timeout, ReadyList& ready);
  // How often take() has been called.
  std::uint64_t turns() const { return turns_; }
  // Ends take(). From any thread.
  void wake();

 private:
  static constexpr int kEvents = 256;  // of one turn

  void tell(Watch& watch, Readiness what, ReadyList& ready);

  int epoll_ = -1;
  int wake_ = -1;
  std::uint64_t turns_ = 0;
  std::deque<Watch> watches_;
  std::vector<std::uint32_t> free_;
};

}  // namespace gatehouse::base
