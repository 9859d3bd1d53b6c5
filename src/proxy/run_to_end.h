// A task on a loop of its own, for the command line.
#pragma once

#include <exception>
#include <utility>

#include "base/error.h"
#include "base/loop.h"

namespace gatehouse::proxy {

template <class T>
base::Task<void> keep_and_stop(base::Loop& loop, base::Task<base::Result<T>> task,
                               base::Result<T>& out) {
  try {
    auto ended = co_await std::move(task);
    out = std::move(ended);
  } catch (const std::exception& error) {
    out = base::fail(base::Code::kInternal, error.what());
  }
  loop.stop();
}

// Runs the loop until `task` has ended. Error: kInternal when it threw, beside its own.
template <class T>
base::Result<T> run_to_end(base::Loop& loop, base::Task<base::Result<T>> task) {
  base::Result<T> out = base::fail(base::Code::kInternal, "it did not end");
  loop.spawn(keep_and_stop(loop, std::move(task), out), "a command");
  loop.run();
  return out;
}

}  // namespace gatehouse::proxy
