// epoll, edge-triggered: an object is told once that its descriptor has changed, and works until a
// call would block.
#pragma once

#include <sys/epoll.h>

#include <array>
#include <chrono>
#include <span>

namespace gatehouse::bench {

using Clock = std::chrono::steady_clock;

inline Clock::time_point in_seconds(double seconds) {
  return Clock::now() +
         std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(seconds));
}

class Poller {
 public:
  Poller();
  ~Poller();
  Poller(const Poller&) = delete;
  Poller& operator=(const Poller&) = delete;

  // `owner` comes back from wait(). Closing `fd` takes it out.
  void add(int fd, void* owner);
  // What has changed, no later than `until`, to the microsecond.
  std::span<const epoll_event> wait(Clock::time_point until);

 private:
  int epoll_;
  std::array<epoll_event, 256> events_{};
};

// Ends the process, saying which call failed and why.
[[noreturn]] void fail(const char* call);

}  // namespace gatehouse::bench
