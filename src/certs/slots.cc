#include "certs/slots.h"

#include <algorithm>

namespace gatehouse::certs {

base::Task<base::Result<void>> Slots::acquire(Urgency urgency, base::Deadline deadline) {
  if (free_ > 0) {
    --free_;
    co_return base::Result<void>();
  }
  if (waiting() >= queued_) {
    co_return base::fail(base::Code::kOverload, "too many operations wait for their turn");
  }
  Queue& queue = urgency == Urgency::kHandshake ? urgent_ : background_;
  auto self = std::make_shared<Waiter>(loop_);
  queue.push_back(self);
  auto waited = co_await self->granted.wait(deadline);
  // A slot granted in the same turn as the deadline is taken: release() counted it as ours.
  if (self->granted.is_set()) co_return base::Result<void>();
  queue.remove(self);
  co_return waited;
}

void Slots::release() {
  Queue& queue = urgent_.empty() ? background_ : urgent_;
  if (queue.empty()) {
    ++free_;
    return;
  }
  queue.front()->granted.set();
  queue.pop_front();
}

}  // namespace gatehouse::certs
