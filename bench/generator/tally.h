// What a run has counted, and its line of JSON.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "poller.h"

namespace gatehouse::bench {

class Tally {
 public:
  std::uint64_t bytes = 0;    // of bodies
  std::uint64_t resumed = 0;  // handshakes by ticket

  // A unit of work has ended well, and took so long.
  void done(Clock::duration took);
  // One has not; the first reason is kept.
  void failed(const std::string& why);
  std::uint64_t count() const { return microseconds_.size(); }
  std::uint64_t failures() const { return failures_; }
  // To standard output: {"done": …, "failed": …, "why": …, "seconds": …, "bytes": …, "resumed": …,
  // "p50": …, "p99": …, "p999": …, "max": …}, the last four in microseconds.
  void print();

 private:
  double percentile(double share) const;

  Clock::time_point began_ = Clock::now();
  std::vector<float> microseconds_;
  std::uint64_t failures_ = 0;
  std::string why_;
};

}  // namespace gatehouse::bench
