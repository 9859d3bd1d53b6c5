// Runs tasks to their end on a loop of the test's own thread.
#pragma once

#include <boost/asio/co_spawn.hpp>
#include <exception>
#include <optional>
#include <utility>

#include "base/loop.h"

namespace gatehouse::certs {

// Runs `loop` until `task` has ended and returns its value. What else is on the loop runs too and
// stays there.
template <class T>
T run_task(base::Loop& loop, base::Task<T> task) {
  std::optional<T> result;
  std::exception_ptr thrown;
  base::asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr error, T value) {
    thrown = error;
    result.emplace(std::move(value));
    loop.stop();
  });
  loop.run();
  loop.context().restart();
  if (thrown) std::rethrow_exception(thrown);
  return std::move(*result);
}

inline void run_task(base::Loop& loop, base::Task<void> task) {
  std::exception_ptr thrown;
  base::asio::co_spawn(loop.context(), std::move(task), [&](std::exception_ptr error) {
    thrown = error;
    loop.stop();
  });
  loop.run();
  loop.context().restart();
  if (thrown) std::rethrow_exception(thrown);
}

}  // namespace gatehouse::certs
