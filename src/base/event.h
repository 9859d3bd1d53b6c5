// A flag that tasks of one loop wait for.
#pragma once

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/intrusive/list.hpp>

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
  using Timer = asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor>;
  struct Waiting : boost::intrusive::list_base_hook<
                       boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    Waiting(Executor executor, TimePoint at) : timer(executor, at) {}
    Timer timer;
  };

  Loop& loop_;
  boost::intrusive::list<Waiting, boost::intrusive::constant_time_size<false>> waiting_;
  bool set_ = false;
};

// Waits until `deadline` (exact, not rounded to a wheel's tick), on the loop's thread.
Task<void> sleep_until(Loop& loop, Deadline deadline);

}  // namespace gatehouse::base
