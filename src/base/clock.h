// Time in the house: a steady clock for waiting, a wall clock for certificates.
#pragma once

#include <chrono>

namespace gatehouse::base {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = std::chrono::milliseconds;

// Wall-clock time in whole seconds since 1970 (UTC). Only for dates that others wrote down
// (certificates, Retry-After, logs); never for measuring how long something took.
using WallTime = std::chrono::sys_seconds;
inline WallTime wall_now() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
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
