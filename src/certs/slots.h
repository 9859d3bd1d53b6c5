// Bounded concurrency with two classes of waiters: who holds a handshake up goes first.
#pragma once

#include <cstddef>
#include <list>
#include <memory>

#include "base/clock.h"
#include "base/error.h"
#include "base/event.h"
#include "base/loop.h"

namespace gatehouse::certs {

enum class Urgency : std::uint8_t { kHandshake, kBackground };

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
  // Who waits there goes among the urgent ones; nothing when nobody does.
  void hurry(Place& place);
  void release();

  // Whether the next one has to wait, or is refused.
  bool full() const { return free_ == 0; }
  std::size_t waiting() const { return urgent_.size() + background_.size(); }

 private:
  struct Waiter {
    explicit Waiter(base::Loop& loop) : granted(loop) {}
    base::Event granted;
  };
  using Queue = std::list<std::shared_ptr<Waiter>>;

  base::Loop& loop_;
  std::size_t free_;
  std::size_t queued_;
  Queue urgent_;
  Queue background_;
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
