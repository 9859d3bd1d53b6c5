#include "base/gate.h"

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
  loop_.spawn(std::move(task), what, task_ended, this);
  return true;
}

Task<Result<void>> Gate::close(Deadline deadline) {
  shut();
  co_return co_await idle_.wait(deadline);
}

}  // namespace gatehouse::base
