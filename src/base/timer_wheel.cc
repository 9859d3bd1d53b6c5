#include "base/timer_wheel.h"

#include <algorithm>

namespace gatehouse::base {

TimerWheel::~TimerWheel() {
  for (auto& slot : slots_) slot.clear();
}

void TimerWheel::arm(WheelTimer& timer, Deadline deadline) {
  timer.disarm();
  if (deadline.is_never()) return;
  timer.at_ = deadline.at();
  if (!ticking_) done_ = tick_of(Clock::now());
  // One tick later than the deadline's own, so that a timer is never early.
  const auto due = std::max(tick_of(timer.at_) + 1, done_ + 1);
  slots_[static_cast<std::size_t>(due) % kSlots].push_back(timer);
  next_ = ticking_ ? std::min(next_, due) : due;
  ticking_ = true;
}

std::optional<TimePoint> TimerWheel::next_tick() const {
  if (!ticking_) return std::nullopt;
  return start_ + kTick * next_;
}

void TimerWheel::advance(TimePoint now) {
  if (!ticking_) return;
  const auto current = tick_of(now);
  if (next_ > current) return;
  // After a long stall each slot needs to be seen only once.
  done_ = std::max(done_, current - static_cast<std::int64_t>(kSlots));
  while (done_ < current) {
    ++done_;
    run_slot(slots_[static_cast<std::size_t>(done_) % kSlots], now);
  }
  find_next();
}

void TimerWheel::run_slot(Slot& slot, TimePoint now) {
  Slot turn;
  turn.swap(slot);  // what runs may arm timers into this very slot
  while (!turn.empty()) {
    auto& timer = turn.front();
    turn.pop_front();
    if (timer.at_ > now) {
      slot.push_back(timer);  // a later turn
    } else {
      timer.expired_(timer.owner_);
    }
  }
}

std::optional<TimePoint> TimerWheel::earliest() const {
  auto first = TimePoint::max();
  for (const auto& slot : slots_) {
    for (const auto& timer : slot) first = std::min(first, timer.at_);
  }
  if (first == TimePoint::max()) return std::nullopt;
  return start_ + kTick * std::max(tick_of(first) + 1, done_ + 1);
}

// Costs a step for each tick that will not be needed.
void TimerWheel::find_next() {
  const auto last = done_ + static_cast<std::int64_t>(kSlots);
  for (next_ = done_ + 1; next_ <= last; ++next_) {
    if (!slots_[static_cast<std::size_t>(next_) % kSlots].empty()) return;
  }
  ticking_ = false;
}

}  // namespace gatehouse::base
