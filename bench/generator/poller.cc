#include "poller.h"

#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

namespace gatehouse::bench {

void fail(const char* call) {
  std::perror(call);
  std::exit(1);
}

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) fail("epoll_create1");
  ::prctl(PR_SET_TIMERSLACK, 1);  // else a wait may be 50 us too long
}

Poller::~Poller() { ::close(epoll_); }

void Poller::add(int fd, void* owner) {
  epoll_event event{};
  event.events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
  event.data.ptr = owner;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) fail("epoll_ctl");
}

std::span<const epoll_event> Poller::wait(Clock::time_point until) {
  const auto left = std::max(until - Clock::now(), Clock::duration(0));
  timespec timeout{};
  timeout.tv_sec = std::chrono::duration_cast<std::chrono::seconds>(left).count();
  timeout.tv_nsec = (left % std::chrono::seconds(1)).count();
  const int count =
      ::epoll_pwait2(epoll_, events_.data(), static_cast<int>(events_.size()), &timeout, nullptr);
  if (count < 0 && errno != EINTR) fail("epoll_pwait2");
  return {events_.data(), static_cast<std::size_t>(std::max(count, 0))};
}

}  // namespace gatehouse::bench
