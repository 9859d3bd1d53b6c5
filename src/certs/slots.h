// Bounded concurrency; who waits goes by urgency.
#pragma once

#include <array>
#include <cstddef>
#include <list>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/loop.h"
#include "certs/urgency.h"

namespace gatehouse::certs {

// At most `slots` holders at once, at most `queued` who wait. One loop, its thread.
class Slots {
  struct Waiter;

 public:
  // Where somebody waits, for whoever finds out later that it is urgent.
  class Place {
    friend class Slots;
    std::weak_ptr<Waiter> waiter_;
  };

  Slots(base::Loop& loop, std::size_t slots, std::size_t queued)
      : loop_(loop), free_(slots), queued_(queued) {}
  Slots(const Slots&) = delete;
  Slots& operator=(const Slots&) = delete;

  // Takes a slot, waiting in turn; give it back with release(). Errors: kOverload when too many
  // wait, kTimeout at the deadline.
  base::Task<base::Result<void>> acquire(Urgency urgency, base::Deadline deadline,
                                         Place* place = nullptr);
  // A visitor waits for who waits there; nothing when nobody does.
  void hurry(Place& place);
  void release();

  // Whether the next one has to wait, or is refused.
  bool full() const { return free_ == 0; }
  std::size_t waiting() const;

 private:
  struct Waiter {
    explicit Waiter(base::Loop& loop) : granted(loop) {}
    base::Event granted;
  };
  using Queue = std::list<std::shared_ptr<Waiter>>;

  base::Loop& loop_;
  std::size_t free_;
  std::size_t queued_;
  std::array<Queue, kUrgencies> queues_;  // by urgency
};

// Gives a slot that was taken back, at the end of its scope.
class HeldSlot {
 public:
  explicit HeldSlot(Slots& slots) : slots_(slots) {}
  ~HeldSlot() { slots_.release(); }
  HeldSlot(const HeldSlot&) = delete;
  HeldSlot& operator=(const HeldSlot&) = delete;

 private:
  Slots& slots_;
};

}  // namespace gatehouse::certs
