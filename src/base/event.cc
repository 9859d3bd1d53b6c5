#include "base/event.h"

namespace gatehouse::base {

namespace {

// Runs `waiting` when its time has come, out of whatever list it waits in.
struct Alarm {
  Alarm(Loop& l, Deadline deadline) : loop(l), timer(ring, this) {
    loop.wheel().arm(timer, deadline);
  }
  static void ring(void* self) {
    auto& alarm = *static_cast<Alarm*>(self);
    if (alarm.waiting.is_linked()) alarm.waiting.unlink();
    alarm.loop.run_soon(alarm.waiting);
  }
  Loop& loop;
  Waiting waiting;
  WheelTimer timer;
};

}  // namespace

void Event::set() {
  set_ = true;
  while (!waiting_.empty()) {
    auto& one = waiting_.front();
    waiting_.pop_front();
    loop_.run_soon(one);
  }
}

Task<Result<void>> Event::wait(Deadline deadline) {
  while (!set_) {
    if (deadline.passed()) co_return fail(Code::kTimeout, "waited until the deadline");
    Alarm alarm(loop_, deadline);
    waiting_.push_back(alarm.waiting);
    co_await alarm.waiting;
  }
  co_return Result<void>();
}

Task<void> sleep_until(Loop& loop, Deadline deadline) {
  Alarm alarm(loop, deadline);
  co_await alarm.waiting;
}

}  // namespace gatehouse::base
