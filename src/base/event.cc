#include "base/event.h"

#include <boost/asio/as_tuple.hpp>

namespace gatehouse::base {

void Event::set() {
  set_ = true;
  for (auto& one : waiting_) one.timer.cancel();
}

Task<Result<void>> Event::wait(Deadline deadline) {
  while (!set_) {
    if (deadline.passed()) co_return fail(Code::kTimeout, "waited until the deadline");
    Waiting one(loop_.executor(), deadline.at());
    waiting_.push_back(one);
    (void)co_await one.timer.async_wait(asio::as_tuple(use_task));
  }
  co_return Result<void>();
}

Task<void> sleep_until(Loop& loop, Deadline deadline) {
  asio::basic_waitable_timer<Clock, asio::wait_traits<Clock>, Executor> timer(loop.executor(),
                                                                              deadline.at());
  (void)co_await timer.async_wait(asio::as_tuple(use_task));
}

}  // namespace gatehouse::base
