// Whether a peer is too slow on average, though it never stalls: bytes over the time in which
// nothing but the peer was waited for. Plain arithmetic: who asks waits, and acts.
#pragma once

#include <cstdint>

#include "base/clock.h"

namespace gatehouse::base {

class LeastRate {
 public:
  // No rate is too low.
  LeastRate() = default;
  // `bytes` a second, 0 for none, looked at after `grace` of waiting. Of what was before twice the
  // grace ever less counts: who was fast once may not be slow for hours.
  LeastRate(std::uint64_t bytes, Duration grace) : bytes_(bytes), grace_(grace) {}

  // Forgets what was.
  void restart();
  // From here to end() the peer is waited for.
  void begin(TimePoint now) { began_ = now; }
  void end(TimePoint now);
  void moved(std::uint64_t bytes) { moved_ += bytes; }
  // When, in the wait that has begun, the peer will be too slow if nothing more moves.
  Deadline deadline() const;
  // What is too little in the grace's time already.
  std::uint64_t least() const;

 private:
  std::uint64_t bytes_ = 0;
  Duration grace_{0};
  TimePoint began_{};
  Clock::duration waited_{0};
  std::uint64_t moved_ = 0;
};

}  // namespace gatehouse::base
