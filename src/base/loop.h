// One thread's event loop and what every task on it shares: timers and buffers. A worker has one,
// control has one. Tasks never leave the loop that they were spawned on.
#pragma once

#include <boost/asio/awaitable.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <optional>
#include <utility>

#include "base/buffer.h"
#include "base/timer_wheel.h"

namespace gatehouse::base {

namespace asio = boost::asio;

using Executor = asio::io_context::executor_type;

// A coroutine of the house. Lazy: nothing runs before it is awaited or spawned.
template <class T = void>
using Task = asio::awaitable<T, Executor>;

// Pass to an Asio operation to await it inside a Task.
inline constexpr asio::use_awaitable_t<Executor> use_task{};

class Loop {
 public:
  Loop();
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;
  ~Loop();

  // Runs tasks on the calling thread until stop().
  void run();
  // Ends run() after the handler that is running. From any thread.
  void stop();

  // Runs `f` on the loop's thread, later. From any thread.
  template <class F>
  void post(F f) {
    asio::post(context_, std::move(f));
  }

  // Starts `task` on this loop and forgets it; call on the loop's thread or before run(). For tasks
  // that end by themselves; whoever must wait for the end uses a Gate. A task that throws is a
  // bug: it is logged with `what`, and the process goes on.
  void spawn(Task<void> task, const char* what);

  asio::io_context& context() { return context_; }
  Executor executor() { return context_.get_executor(); }
  TimerWheel& wheel() { return *wheel_; }
  BufferPool& buffers() { return buffers_; }

 private:
  // In this order: frames that die with the context give their buffers back to the pool, and
  // their timers have been taken off the wheel before.
  BufferPool buffers_;
  asio::io_context context_;
  std::optional<TimerWheel> wheel_;
  std::optional<asio::executor_work_guard<Executor>> work_;
};

// How many tasks have thrown since start, in the whole process: a test expects 0.
std::uint64_t thrown_tasks();
// Counts and logs one (for spawners other than Loop).
void note_thrown_task(std::exception_ptr thrown, const char* what);

}  // namespace gatehouse::base
