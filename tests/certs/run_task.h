// Runs tasks to their end on a loop of the test's own thread.
#pragma once

#include <utility>

#include "tests/base/on_loop.h"

namespace gatehouse::certs {

// Runs `loop` until `task` has ended and returns its value. What else is on the loop runs too and
// stays there.
template <class T>
T run_task(base::Loop& loop, base::Task<T> task) {
  return base::run(loop, std::move(task));
}

}  // namespace gatehouse::certs
