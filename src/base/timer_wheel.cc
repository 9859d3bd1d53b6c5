#include "base/timer_wheel.h"

#include <algorithm>

namespace gatehouse::base {

TimerWheel::TimerWheel(boost::asio::io_context& context)
    : start_(Clock::now()), timer_(context.get_executor()) {}

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
  if (!ticking_) schedule_tick();
}

void TimerWheel::schedule_tick() {
  ticking_ = true;
  timer_.expires_at(start_ + kTick * (done_ + 1));
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) tick();
  });
}

void TimerWheel::tick() {
  const auto now = Clock::now();
  const auto current = tick_of(now);
  // After a long stall each slot needs to be seen only once.
  done_ = std::max(done_, current - static_cast<std::int64_t>(kSlots));
  while (done_ < current) {
    ++done_;
    run_slot(slots_[static_cast<std::size_t>(done_) % kSlots], now);
  }
  if (anything_armed()) {
    schedule_tick();
  } else {
    ticking_ = false;
  }
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

bool TimerWheel::anything_armed() const {
  return std::any_of(slots_.begin(), slots_.end(), [](const Slot& s) { return !s.empty(); });
}

}  // namespace gatehouse::base
