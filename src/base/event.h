// A flag that tasks of one loop wait for.
#pragma once

#include "base/error.h"
#include "base/loop.h"

namespace gatehouse::base {

// Not thread-safe. May be waited for by several tasks; must outlive their waits.
class Event {
 public:
  explicit Event(Loop& loop) : loop_(loop) {}
  Event(const Event&) = delete;
  Event& operator=(const Event&) = delete;

  // Sets the flag and wakes all who wait; they run later, not inside this call.
  void set();
  void reset() { set_ = false; }
  bool is_set() const { return set_; }

  // Returns once the flag is set (at once if it is). Error: kTimeout when the deadline passed.
  Task<Result<void>> wait(Deadline deadline = Deadline::never());

 private:
  Loop& loop_;
  ReadyList waiting_;
  bool set_ = false;
};

// Waits until `deadline`, on the loop's thread; as late as the loop's wheel is, never early.
Task<void> sleep_until(Loop& loop, Deadline deadline);

}  // namespace gatehouse::base
