// One thread's event loop and what every task on it shares: descriptors, timers and buffers. A
// worker has one, control has one. Tasks never leave the loop that they were spawned on.
#pragma once

#include <atomic>
#include <boost/intrusive/list.hpp>
#include <coroutine>
#include <cstdint>
#include <memory>
#include <utility>

#include "base/buffer.h"
#include "base/poller.h"
#include "base/ready.h"
#include "base/task.h"
#include "base/timer_wheel.h"

namespace gatehouse::base {

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  // Tasks that have not ended are destroyed where they wait.
  ~Loop();

  // Runs tasks on the calling thread until stop(); at once if that was called before.
  void run();
  // Ends run() after what is running. From any thread.
  void stop();
  // Runs what can be run without waiting; how much that was. For tests.
  std::size_t poll() { return turn(false); }
  // Waits until there is something, and runs it. For tests.
  void run_once() { (void)turn(true); }

  // The loop whose run() the calling thread is in.
  static Loop& current();

  // Runs `f` on the loop's thread, later. From any thread, which must be back before the loop dies.
  template <class F>
  void post(F f) {
    enqueue(new PostedOf<F>(std::move(f)));
  }
  // On the loop's thread: runs `one` later in this turn. Nothing when that is due already.
  void run_soon(Ready& one) {
    if (!one.is_linked()) ready_.push_back(one);
  }
  // Awaited: lets everything run first that is ready now.
  auto yield() { return Yield(ready_); }
  // Awaited by who is about to begin much at once: lets what is under way go first, what this
  // turn's descriptors have told of included. Of those who wait so, kBegin go on in each turn, or a
  // quarter where that is more. Begun and not ended is then as little as can be: it stays in the
  // caches.
  auto yield_to_work() { return Yield(beginning_); }

  // Starts `task` on this loop, soon, and forgets it; call on the loop's thread or before run().
  // For tasks that end by themselves; whoever must wait for the end uses a Gate. A task that throws
  // is a bug: it is logged with `what`, and the process goes on.
  void spawn(Task<void> task, const char* what) { spawn(std::move(task), what, nullptr, nullptr); }
  // The same; `ended(owner)` runs when nothing of the task is left.
  void spawn(Task<void> task, const char* what, void (*ended)(void* owner), void* owner);

  Poller& poller() { return poller_; }
  TimerWheel& wheel() { return wheel_; }
  // When this turn began. Asks no clock: for limits, which may end that little earlier.
  TimePoint turn_began() const { return turn_began_ + Clock::skipped(); }
  BufferPool& buffers() { return buffers_; }

 private:
  static constexpr int kRounds = 8;  // of what becomes ready, before descriptors are asked again
  static constexpr std::size_t kBegin = 4;

  // Owns itself.
  struct Posted : Ready {
    Posted* before = nullptr;  // posted earlier, by whatever thread
  };
  template <class F>
  struct PostedOf final : Posted {
    explicit PostedOf(F f) : function(std::move(f)) {}
    void run() override {
      const std::unique_ptr<PostedOf> posted(this);
      function();
    }
    void drop() override { delete this; }
    F function;
  };
  class Yield : public Waiting {
   public:
    explicit Yield(ReadyList& list) : list_(list) {}
    void await_suspend(std::coroutine_handle<> who) noexcept {
      Waiting::await_suspend(who);
      list_.push_back(*this);
    }

   private:
    ReadyList& list_;
  };
  // The frame of a task that was spawned.
  struct Rooted : boost::intrusive::list_base_hook<
                      boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
    std::coroutine_handle<> frame;
  };
  struct Root;
  static Root run_root(Task<void> task, const char* what, void (*ended)(void*), void* owner);

  void enqueue(Posted* posted);
  void take_posted();
  std::size_t run_ready();
  void let_begin();
  std::size_t turn(bool may_wait);
  int patience() const;

  // In this order: frames that die with the loop give their buffers back to the pool, and their
  // timers and descriptors are taken off before.
  BufferPool buffers_;
  Poller poller_;
  TimerWheel wheel_;
  std::chrono::steady_clock::time_point turn_began_ = std::chrono::steady_clock::now();
  ReadyList ready_;
  ReadyList beginning_;  // yield_to_work()
  boost::intrusive::list<Rooted, boost::intrusive::constant_time_size<false>> roots_;
  std::atomic<Posted*> posted_{nullptr};
  std::atomic<bool> stopped_{false};
};

// How many tasks have thrown since start, in the whole process: a test expects 0.
std::uint64_t thrown_tasks();

}  // namespace gatehouse::base
