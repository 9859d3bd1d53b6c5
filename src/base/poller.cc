#include "base/poller.h"

#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

namespace gatehouse::base {

namespace {

constexpr std::uint64_t kWake = ~std::uint64_t{0};
constexpr std::uint32_t kReads = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET;

[[noreturn]] void no_descriptor(const char* what) {
  throw std::system_error(errno, std::generic_category(), what);
}

}  // namespace

Poller::Poller() : epoll_(::epoll_create1(EPOLL_CLOEXEC)) {
  if (epoll_ < 0) no_descriptor("epoll_create1");
  wake_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake_ < 0) no_descriptor("eventfd");
  epoll_event event{};
  event.events = EPOLLIN | EPOLLET;  // each write tells anew; it is never read
  event.data.u64 = kWake;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, wake_, &event) != 0) no_descriptor("epoll_ctl");
}

Poller::~Poller() {
  ::close(wake_);
  ::close(epoll_);
}

Watch& Poller::add(int fd) {
  std::uint32_t place = 0;
  if (free_.empty()) {
    place = static_cast<std::uint32_t>(watches_.size());
    watches_.emplace_back().place = place;
  } else {
    place = free_.back();
    free_.pop_back();
  }
  auto& watch = watches_[place];
  watch.fd = fd;
  watch.known[static_cast<std::size_t>(Readiness::kRead)] = true;  // nobody has asked yet
  epoll_event event{};
  event.events = kReads;
  event.data.u64 = (std::uint64_t{watch.generation} << 32) | place;
  if (::epoll_ctl(epoll_, EPOLL_CTL_ADD, fd, &event) != 0) {
    // A descriptor that cannot be waited for (a file) never makes wait.
    for (auto& known : watch.known) known = true;
  }
  return watch;
}

void Poller::remove(Watch& watch) {
  // Closing takes it out. While a copy of the descriptor is open, for a moment in a program that is
  // being started, what is told of it has an old generation.
  const auto place = watch.place;
  const auto generation = watch.generation + 1;
  watch = Watch();
  watch.place = place;
  watch.generation = generation;
  free_.push_back(place);
}

bool Poller::is_ready(Watch& watch, Readiness what) {
  auto& known = watch.known[static_cast<std::size_t>(what)];
  if (!known) return false;
  if (what == Readiness::kRead && watch.ended) return true;
  pollfd ask{watch.fd, 0, 0};
  if (what == Readiness::kRead) ask.events = POLLIN | POLLRDHUP;
  if (what == Readiness::kWrite) ask.events = POLLOUT;
  known = ::poll(&ask, 1, 0) > 0;
  return known;
}

void Poller::wait(Watch& watch, Readiness what, Ready& who) {
  watch.waiting[static_cast<std::size_t>(what)] = &who;
  if (what == Readiness::kWrite) ask_to_write(watch, true);
}

void Poller::ask_to_write(Watch& watch, bool on) {
  if (watch.asks_to_write == on) return;
  watch.asks_to_write = on;
  epoll_event event{};
  event.events = on ? kReads | EPOLLOUT : kReads;
  event.data.u64 = (std::uint64_t{watch.generation} << 32) | watch.place;
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, watch.fd, &event);
}

void Poller::tell(Watch& watch, Readiness what, ReadyList& ready) {
  watch.known[static_cast<std::size_t>(what)] = true;
  auto* const who = std::exchange(watch.waiting[static_cast<std::size_t>(what)], nullptr);
  if (who != nullptr) ready.push_back(*who);
}

void Poller::take(int timeout, ReadyList& ready) {
  ++turns_;
  std::array<epoll_event, kEvents> events;
  const int count = ::epoll_wait(epoll_, events.data(), kEvents, timeout);
  for (int i = 0; i < count; ++i) {
    const auto& event = events[static_cast<std::size_t>(i)];
    if (event.data.u64 == kWake) continue;
    auto& watch = watches_[static_cast<std::uint32_t>(event.data.u64)];
    if (watch.generation != static_cast<std::uint32_t>(event.data.u64 >> 32)) continue;
    const bool broken = (event.events & (EPOLLERR | EPOLLHUP)) != 0;
    if ((event.events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP)) != 0) watch.ended = true;
    if (broken) tell(watch, Readiness::kBroken, ready);
    if (broken || (event.events & (EPOLLIN | EPOLLRDHUP | EPOLLPRI)) != 0) {
      tell(watch, Readiness::kRead, ready);
    }
    if (broken || (event.events & EPOLLOUT) != 0) tell(watch, Readiness::kWrite, ready);
  }
}

void Poller::wake() {
  const std::uint64_t one = 1;
  (void)!::write(wake_, &one, sizeof one);
}

}  // namespace gatehouse::base
