#include "base/gate.h"

#include <boost/asio/co_spawn.hpp>

namespace gatehouse::base {

bool Gate::enter() {
  if (closed_) return false;
  ++count_;
  return true;
}

void Gate::leave() {
  if (--count_ == 0 && closed_) idle_.set();
}

bool Gate::spawn(Task<void> task, const char* what) {
  if (!enter()) return false;
  asio::co_spawn(loop_.context(), std::move(task), [this, what](std::exception_ptr error) {
    if (error) note_thrown_task(error, what);
    leave();
  });
  return true;
}

Task<Result<void>> Gate::close(Deadline deadline) {
  shut();
  co_return co_await idle_.wait(deadline);
}

}  // namespace gatehouse::base
