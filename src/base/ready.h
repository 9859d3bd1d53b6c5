// Something that a loop runs soon. Intrusive: lives in a coroutine's frame while that waits, or by
// itself when it was posted; destruction takes it out of whatever list it is in.
#pragma once

#include <boost/intrusive/list.hpp>
#include <coroutine>

#include "base/task.h"

namespace gatehouse::base {

class Ready : public boost::intrusive::list_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::auto_unlink>> {
 public:
  Ready() = default;
  Ready(const Ready&) = delete;
  Ready& operator=(const Ready&) = delete;

  // On the loop's thread, out of every list. It may destroy itself.
  virtual void run() = 0;
  // It will not be run any more: the loop ends.
  virtual void drop() {}

 protected:
  ~Ready() = default;
};

using ReadyList = boost::intrusive::list<Ready, boost::intrusive::constant_time_size<false>>;

// A coroutine that waits: await it, and give it to Loop::run_soon() when the wait is over.
class Waiting : public Ready {
 public:
  bool await_ready() const noexcept { return false; }
  void await_suspend(std::coroutine_handle<> who) noexcept { who_ = who; }
  void await_resume() const noexcept {}

  void run() override { resume(who_); }

 private:
  std::coroutine_handle<> who_;
};

}  // namespace gatehouse::base
