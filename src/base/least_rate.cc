#include "base/least_rate.h"

#include <algorithm>

namespace gatehouse::base {

namespace {

constexpr std::uint64_t kLongest = 86'400;  // seconds that any amount of bytes is good for

}  // namespace

void LeastRate::restart() {
  waited_ = Clock::duration::zero();
  moved_ = 0;
}

void LeastRate::end(TimePoint now) {
  waited_ += now - began_;
  began_ = now;
  if (waited_ < 2 * grace_) return;
  waited_ /= 2;
  moved_ /= 2;
}

Deadline LeastRate::deadline() const {
  if (bytes_ == 0) return {};
  const std::chrono::seconds earned(std::min(moved_ / bytes_, kLongest));
  return Deadline(began_ + std::max<Clock::duration>(grace_, earned) - waited_);
}

std::uint64_t LeastRate::least() const {
  return bytes_ * static_cast<std::uint64_t>(grace_.count()) / 1000;
}

}  // namespace gatehouse::base
