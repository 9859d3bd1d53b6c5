#include "base/signals.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <system_error>

namespace gatehouse::base {

namespace {

constinit std::atomic<int> handler_fd{-1};

// Whatever thread it interrupts (signal-safety(7)).
void pass_on(int signal) {
  const int before = errno;
  const auto byte = static_cast<unsigned char>(signal);
  (void)!::write(handler_fd.load(), &byte, 1);
  errno = before;
}

int receiving_end(int& sending) {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw std::system_error(errno, std::generic_category(), "socketpair");
  }
  sending = ends[1];
  return ends[0];
}

}  // namespace

Signals::Signals(Loop& loop, std::initializer_list<int> which)
    : send_fd_(-1), received_(loop, receiving_end(send_fd_)), which_(which.begin(), which.end()) {
  handler_fd = send_fd_;
  struct sigaction action{};
  action.sa_handler = pass_on;
  action.sa_flags = SA_RESTART;
  for (const int signal : which_) ::sigaction(signal, &action, nullptr);
}

Signals::~Signals() {
  for (const int signal : which_) std::signal(signal, SIG_DFL);
  handler_fd = -1;
  ::close(send_fd_);
}

Task<int> Signals::next() {
  for (;;) {
    unsigned char signal = 0;
    if (::read(received_.native(), &signal, 1) == 1) co_return signal;
    received_.read_all();
    (void)co_await received_.wait_readable(Deadline::never());
  }
}

}  // namespace gatehouse::base
