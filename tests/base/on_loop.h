// Runs tasks on a loop of the test's own thread.
#pragma once

#include <exception>
#include <optional>
#include <utility>

#include "base/gate.h"
#include "base/loop.h"

namespace gatehouse::base {

template <class T>
Task<void> keep_result(Task<T> task, std::optional<T>& out) {
  out.emplace(co_await std::move(task));
}

inline Task<void> stop_after(Loop& loop, Task<void> task, std::exception_ptr& thrown) {
  try {
    co_await std::move(task);
  } catch (...) {
    thrown = std::current_exception();
  }
  loop.stop();
}

// Runs `loop` until `task` has ended. What else is on the loop runs too, and stays there.
inline void run(Loop& loop, Task<void> task) {
  std::exception_ptr thrown;
  loop.spawn(stop_after(loop, std::move(task), thrown), "a test");
  loop.run();
  if (thrown) std::rethrow_exception(thrown);
}

template <class T>
T run(Loop& loop, Task<T> task) {
  std::optional<T> result;
  run(loop, keep_result(std::move(task), result));
  return std::move(*result);
}

// Runs both, until both have ended.
template <class T>
T run_with(Loop& loop, Task<void> beside, Task<T> task) {
  Gate gate(loop);
  gate.spawn(std::move(beside), "beside");
  T result = run(loop, std::move(task));
  (void)run(loop, gate.close());
  return result;
}

// Lets everything that is ready on the loop run once.
inline void run_ready(Loop& loop) { loop.poll(); }

}  // namespace gatehouse::base
