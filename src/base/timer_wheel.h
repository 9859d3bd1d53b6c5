// Coarse timers for one loop: thousands of deadlines for the price of one.
// A timer may run up to kTick late, never early. All calls on the loop's own thread.
#pragma once

#include <array>
#include <boost/intrusive/list.hpp>
#include <cstdint>
#include <optional>

#include "base/clock.h"

namespace gatehouse::base {

class TimerWheel;

// Something that wants to be told when a time has come. Intrusive: lives inside its owner, which
// must stay in place while armed; destruction disarms. Not copyable, not movable.
class WheelTimer : public boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  // `expired(owner)` runs on the loop's thread with the timer disarmed. It may arm this or other
  // timers and may destroy the owner.
  WheelTimer(void (*expired)(void* owner), void* owner) : expired_(expired), owner_(owner) {}
  WheelTimer(const WheelTimer&) = delete;
  WheelTimer& operator=(const WheelTimer&) = delete;
  ~WheelTimer() = default;  // the hook unlinks itself

  bool armed() const { return is_linked(); }
  void disarm() {
    if (is_linked()) unlink();
  }

 private:
  friend class TimerWheel;
  void (*expired_)(void* owner);
  void* owner_;
  TimePoint at_{};
};

// The wheel: kSlots lists of kTick each. A deadline further away than one turn stays in its slot
// and is looked at once a turn. Empty slots are passed over: an idle process sleeps.
class TimerWheel {
 public:
  static constexpr Duration kTick{50};
  static constexpr std::size_t kSlots = 1024;  // one turn is 51.2 s

  TimerWheel() : start_(Clock::now()) {}
  ~TimerWheel();

  // Arms `timer` for `deadline`, moving it when it is armed already. Never: only disarms.
  void arm(WheelTimer& timer, Deadline deadline);

  // When advance() has to be called next; nothing while no timer is armed.
  std::optional<TimePoint> next_tick() const;
  // Runs what is due. By the loop, in every turn, with the time of now.
  void advance(TimePoint now);
  // When advance() has to be called for the first timer that is due; nothing while none is armed.
  // Looks at every timer: for tests.
  std::optional<TimePoint> earliest() const;

 private:
  using Slot = boost::intrusive::list<WheelTimer, boost::intrusive::constant_time_size<false>>;
  void run_slot(Slot& slot, TimePoint now);
  void find_next();
  std::int64_t tick_of(TimePoint at) const { return (at - start_) / kTick; }

  std::array<Slot, kSlots> slots_;
  TimePoint start_;
  std::int64_t done_ = 0;  // the last tick whose slot has been run
  std::int64_t next_ = 0;  // while ticking: the slots of all ticks before this are empty
  bool ticking_ = false;   // a timer is armed, or was not long ago
};

}  // namespace gatehouse::base
