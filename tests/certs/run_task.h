// Runs tasks to their end on a loop of the test's own thread.
#pragma once

#include <stdexcept>
#include <utility>

#include "tests/base/on_loop.h"

namespace gatehouse::certs {

// Runs `loop` until `task` has ended and returns its value. What else is on the loop runs too and
// stays there.
template <class T>
T run_task(base::Loop& loop, base::Task<T> task) {
  return base::run(loop, std::move(task));
}

// Runs `loop` until `condition` holds, which is looked at after each turn; throws after a minute.
template <class F>
void run_until(base::Loop& loop, F condition) {
  bool late = false;
  base::WheelTimer alarm([](void* flag) { *static_cast<bool*>(flag) = true; }, &late);
  loop.wheel().arm(alarm, base::Deadline::in(base::Duration(60'000)));
  while (!condition()) {
    if (late) throw std::runtime_error("the test waited for a minute");
    loop.run_once();
  }
}

}  // namespace gatehouse::certs
