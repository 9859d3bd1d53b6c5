// Tells operators which of the bounds that protect the process were met, and how often: a line a
// kind and minute at most, however many were refused.
#pragma once

#include <array>

#include "base/abuse_counters.h"
#include "base/loop.h"

namespace gatehouse::proxy {

class AbuseLog {
 public:
  static constexpr base::Duration kEvery{60'000};

  // `counters` outlives it.
  explicit AbuseLog(const base::AbuseCounters& counters) : counters_(counters) {}

  // A line for each kind that has moved since the last time, at info. One thread.
  void tell();
  // The same every minute, and what the log left out; ends with the loop.
  base::Task<void> run(base::Loop& loop);

 private:
  const base::AbuseCounters& counters_;
  std::array<std::uint64_t, base::AbuseCounters::kKinds> told_{};
};

}  // namespace gatehouse::proxy
