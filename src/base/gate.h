// Counts the tasks of an owner, so that the owner can stop: refuse new ones, know when the old
// ones have ended. One loop, its thread.
#pragma once

#include "base/event.h"

namespace gatehouse::base {

class Gate {
 public:
  explicit Gate(Loop& loop) : loop_(loop), idle_(loop) {}
  // The owner must have awaited close() before: tasks would outlive what they use.
  ~Gate() = default;

  // Starts `task` on the loop and counts it. False, and the task is dropped unstarted, when closed.
  bool spawn(Task<void> task, const char* what);

  // Counts a piece of work that is not a task of its own. False when closed.
  bool enter();
  void leave();

  bool closed() const { return closed_; }
  std::size_t count() const { return count_; }

  // Refuses new tasks from now on.
  void shut() {
    closed_ = true;
    if (count_ == 0) idle_.set();
  }
  // shut(), then waits until every task has ended. Error: kTimeout at the deadline.
  Task<Result<void>> close(Deadline deadline = Deadline::never());

 private:
  static void task_ended(void* self) { static_cast<Gate*>(self)->leave(); }

  Loop& loop_;
  Event idle_;
  std::size_t count_ = 0;
  bool closed_ = false;
};

}  // namespace gatehouse::base
