// Runs tasks as if all that is waited for came at once: where nothing is left to do but to wait,
// both clocks are pushed to the moment at which the next timer is due.
#pragma once

#include <future>
#include <stdexcept>
#include <thread>

#include "base/blocking_pool.h"
#include "tests/base/on_loop.h"

namespace gatehouse::base {

// What was skipped is forgotten at its end. One at a time in a process.
class SkippedTime {
 public:
  // Both outlive it. `pool` has one thread, and peers are on the loop too: else time would be
  // skipped while somebody works.
  SkippedTime(Loop& loop, BlockingPool& pool) : loop_(loop), pool_(pool) {}
  ~SkippedTime() { Clock::set_skipped({}); }
  SkippedTime(const SkippedTime&) = delete;
  SkippedTime& operator=(const SkippedTime&) = delete;

  // Runs the loop until `task` has ended.
  template <class T>
  T run(Task<T> task) {
    std::optional<T> result;
    run(keep_result(std::move(task), result));
    return std::move(*result);
  }
  void run(Task<void> task) {
    bool over = false;
    std::exception_ptr thrown;
    loop_.spawn(note_end(std::move(task), over, thrown), "a test");
    until([&] { return over; });
    if (thrown) std::rethrow_exception(thrown);
  }
  // Runs the loop until `condition` holds, which is looked at whenever there is nothing to do.
  template <class F>
  void until(F condition) {
    settle();
    while (!condition()) skip_to(loop_.wheel().earliest());
  }
  // Runs the loop for so long.
  void pass(Duration time) {
    const TimePoint end = Clock::now() + time;
    settle();
    for (auto next = loop_.wheel().earliest(); next && *next <= end;) {
      skip_to(next);
      next = loop_.wheel().earliest();
    }
    skip_to(end);
  }
  // Runs what can be run without waiting.
  void settle() {
    while (true) {
      while (loop_.poll() != 0) {
      }
      std::promise<void> worked_off;
      pool_.detach([&worked_off] { worked_off.set_value(); });
      worked_off.get_future().wait();
      // Bytes on the loopback may still be on their way when the kernel has other work.
      std::this_thread::yield();
      if (loop_.poll() == 0) return;
    }
  }

 private:
  static Task<void> note_end(Task<void> task, bool& over, std::exception_ptr& thrown) {
    try {
      co_await std::move(task);
    } catch (...) {
      thrown = std::current_exception();
    }
    over = true;
  }
  void skip_to(std::optional<TimePoint> moment) {
    if (!moment) throw std::runtime_error("the test waits for what never comes");
    const auto left = *moment - Clock::now();
    if (left > Clock::duration::zero()) Clock::set_skipped(Clock::skipped() + left);
    settle();
  }

  Loop& loop_;
  BlockingPool& pool_;
};

}  // namespace gatehouse::base
