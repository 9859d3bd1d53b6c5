// Signals of the process, as something that a task waits for.
#pragma once

#include <initializer_list>
#include <vector>

#include "base/socket.h"

namespace gatehouse::base {

// From its making on, these signals end nothing: they wait here, each as often as it came (64 KiB
// of them at most). One in the process; with its end they do again what they do by themselves.
class Signals {
 public:
  Signals(Loop& loop, std::initializer_list<int> which);
  ~Signals();
  Signals(const Signals&) = delete;
  Signals& operator=(const Signals&) = delete;

  // The next one. Ends with its loop.
  Task<int> next();

 private:
  int send_fd_;
  Socket received_;
  std::vector<int> which_;
};

}  // namespace gatehouse::base
