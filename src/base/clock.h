// Time in the house: a steady clock for waiting, a wall clock for certificates.
#pragma once

#include <atomic>
#include <chrono>

namespace gatehouse::base {

// The steady clock of the machine, from which both clocks here run ahead by what tests have
// skipped: they need not wait for what takes hours. Any thread.
class Clock {
 public:
  using time_point = std::chrono::steady_clock::time_point;
  using duration = time_point::duration;

  static time_point now() { return std::chrono::steady_clock::now() + skipped(); }
  static duration skipped() { return duration(skipped_.load(std::memory_order_relaxed)); }
  // For tests: see tests/base/skipped_time.h.
  static void set_skipped(duration time) { skipped_.store(time.count()); }

 private:
  static inline constinit std::atomic<duration::rep> skipped_{0};
};
using TimePoint = Clock::time_point;
using Duration = std::chrono::milliseconds;

// Wall-clock time in whole seconds since 1970 (UTC). Only for dates that others wrote down
// (certificates, Retry-After, logs); never for measuring how long something took.
using WallTime = std::chrono::sys_seconds;
inline WallTime wall_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now() +
                                                  Clock::skipped());
}

// The moment at which a wait ends. A value: passing it on never restarts it.
class Deadline {
 public:
  // Never passes.
  Deadline() = default;
  explicit Deadline(TimePoint at) : at_(at) {}

  // `timeout` from now; zero or less means never (a limit of 0 turns a limit off).
  static Deadline in(Duration timeout) {
    return timeout.count() <= 0 ? Deadline() : Deadline(Clock::now() + timeout);
  }
  // The same, from `since` on.
  static Deadline in(Duration timeout, TimePoint since) {
    return timeout.count() <= 0 ? Deadline() : Deadline(since + timeout);
  }
  static Deadline never() { return Deadline(); }

  bool is_never() const { return at_ == TimePoint::max(); }
  bool passed() const { return !is_never() && Clock::now() >= at_; }
  TimePoint at() const { return at_; }

  // The earlier of two.
  Deadline min(Deadline other) const { return at_ < other.at_ ? *this : other; }

 private:
  TimePoint at_ = TimePoint::max();
};

}  // namespace gatehouse::base
