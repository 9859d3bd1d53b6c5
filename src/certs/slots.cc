#include "certs/slots.h"

#include <algorithm>
#include <ranges>

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
  queues_[static_cast<std::size_t>(urgency)].push_back(self);
  if (place != nullptr) place->waiter_ = self;
  auto waited = co_await self->granted.wait(deadline);
  // A slot granted in the same turn as the deadline is taken: release() counted it as ours.
  if (self->granted.is_set()) co_return base::Result<void>();
  for (Queue& queue : queues_) queue.remove(self);
  co_return waited;
}

std::size_t Slots::waiting() const {
  std::size_t all = 0;
  for (const Queue& queue : queues_) all += queue.size();
  return all;
}

void Slots::hurry(Place& place) {
  const auto waiter = place.waiter_.lock();
  Queue& first = queues_.front();
  for (Queue& queue : queues_ | std::views::drop(1)) {
    const auto found = std::ranges::find(queue, waiter);
    if (found == queue.end()) continue;
    first.splice(first.end(), queue, found);
    return;
  }
}

void Slots::release() {
  const auto queue = std::ranges::find_if_not(queues_, &Queue::empty);
  if (queue == queues_.end()) {
    ++free_;
    return;
  }
  queue->front()->granted.set();
  queue->pop_front();
}

}  // namespace gatehouse::certs
