#include "certs/slots.h"

#include <algorithm>

namespace gatehouse::certs {

base::Task<base::Result<void>> Slots::acquire(Urgency urgency, base::Deadline deadline,
                                              Place* place) {
  if (free_ > 0) {
    --free_;
    co_return base::Result<void>();
  }
  if (waiting() >= queued_) {
    co_return base::fail(base::Code::kOverload, "too many operations wait for their turn");
  }
  auto self = std::make_shared<Waiter>(loop_);
  (urgency == Urgency::kHandshake ? urgent_ : background_).push_back(self);
  if (place != nullptr) place->waiter_ = self;
  auto waited = co_await self->granted.wait(deadline);
  // A slot granted in the same turn as the deadline is taken: release() counted it as ours.
  if (self->granted.is_set()) co_return base::Result<void>();
  background_.remove(self);
  urgent_.remove(self);
  co_return waited;
}

void Slots::hurry(Place& place) {
  const auto waiter = place.waiter_.lock();
  const auto found = std::ranges::find(background_, waiter);
  if (found != background_.end()) urgent_.splice(urgent_.end(), background_, found);
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
