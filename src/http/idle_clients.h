// The clients' connections of one worker that wait for a request: what can be ended without loss
// when connections run short. HTTP/1.1 between two requests or before the first, HTTP/2 without
// streams.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <cstddef>
#include <functional>
#include <utility>

#include "base/clock.h"

namespace gatehouse::http {

// On the worker's thread, but for count(). Outlives its places.
class IdleClients {
 public:
  // Between these parts of the bound of connections the time for which an idle one is kept shrinks
  // to kLeast; beyond the second, each that comes ends one that is idle.
  static constexpr double kShrinkFrom = 0.70;
  static constexpr double kShrinkTo = 0.95;
  static constexpr base::Duration kLeast{5'000};

  // `fullness`: how much of the bound is used, 0 to 1; asked each time.
  explicit IdleClients(std::function<double()> fullness) : fullness_(std::move(fullness)) {}

  // What one connection holds.
  class Place : public boost::intrusive::list_base_hook<
                    boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
   public:
    // Of no `clients`: never ended. `let_go(owner)` is to end the connection; it has left then.
    Place(IdleClients* clients, void (*let_go)(void*), void* owner)
        : clients_(clients), let_go_(let_go), owner_(owner) {}
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    ~Place() { leave(); }

    // It is idle from now on, or was so already. `now`: in its loop's turn.
    void enter(base::TimePoint now = base::Clock::now());
    void leave();
    // For how long it may be idle as things are, when that is `idle` in good times; 0: for ever.
    base::Duration keep_alive(base::Duration idle) const;

   private:
    friend class IdleClients;
    IdleClients* clients_;
    void (*let_go_)(void*);
    void* owner_;
    base::TimePoint since_{};
  };

  // Ends the one that has been idle for longest; false when none is.
  bool end_oldest();
  // Ends those that have been idle for longer than they may now; how many.
  std::size_t end_overdue(base::Duration idle);
  // Any thread.
  std::size_t count() const { return count_.load(std::memory_order_relaxed); }

  base::Duration keep_alive(base::Duration idle) const;

 private:
  std::function<double()> fullness_;
  boost::intrusive::list<Place, boost::intrusive::constant_time_size<false>> places_;
  std::atomic<std::size_t> count_{0};
};

}  // namespace gatehouse::http
