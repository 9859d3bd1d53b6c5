// Two ends of a TCP connection over the loopback, raw bytes on the one, our code on the other, and
// a loop of the test's own thread to run both.
#pragma once

#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include "base/event.h"
#include "base/loop.h"
#include "base/socket.h"
#include "tests/base/on_loop.h"

namespace gatehouse::http {

// Runs `loop` until `task` has ended. What else is on the loop runs too and stays there.
template <class T>
T run_task(base::Loop& loop, base::Task<T> task) {
  return base::run(loop, std::move(task));
}

// Lets everything else on the loop run once.
inline base::Task<void> yield() {
  auto others = base::Loop::current().yield();
  co_await others;
}

inline std::uint16_t port_of(int fd) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  return base::Endpoint(reinterpret_cast<sockaddr*>(&address), length).port();
}

inline int listen_on_loopback() {
  auto fd = base::listen_on(*base::Endpoint::from_ip("127.0.0.1", 0), false);
  if (!fd) throw std::runtime_error(fd.error().detail);
  return *fd;
}

// Both ends of one connection.
struct Wire {
  explicit Wire(base::Loop& loop) : Wire(loop, make()) {}

  base::Socket ours;    // for the code under test
  base::Socket theirs;  // for the peer

 private:
  Wire(base::Loop& loop, std::pair<int, int> ends)
      : ours(loop, ends.first), theirs(loop, ends.second) {}

  static std::pair<int, int> make() {
    const int listener = listen_on_loopback();
    const auto to = *base::Endpoint::from_ip("127.0.0.1", port_of(listener));
    const int theirs = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (::connect(theirs, to.address(), to.length()) != 0) throw std::runtime_error("connect");
    const int flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
    ::ioctl(listener, FIONBIO, &kOff);
    const int ours = ::accept4(listener, nullptr, nullptr, flags);
    ::close(listener);
    int on = 1;
    ::ioctl(theirs, FIONBIO, &on);
    return {ours, theirs};
  }
  static inline int kOff = 0;
};

// A peer that says raw bytes and hears raw bytes.
class RawPeer {
 public:
  explicit RawPeer(base::Socket& socket) : socket_(socket) {}

  // Sends everything, or as much as the other side takes.
  base::Task<void> say(std::string text) {
    std::string_view rest(text);
    while (!rest.empty()) {
      const auto sent = ::send(socket_.native(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        rest.remove_prefix(static_cast<std::size_t>(sent));
      } else if (errno == EAGAIN) {
        const auto ready = co_await socket_.wait_writable(base::Deadline::never());
        if (!ready) co_return;
      } else {
        co_return;
      }
    }
  }

  // Sends byte by byte, each when the one before has been read from `other` (the other end), until
  // nobody reads there any more.
  base::Task<void> say_slowly(std::string text, base::Socket& other, const base::Event& over) {
    for (const char c : text) {
      co_await say(std::string(1, c));
      while (!over.is_set() && other.is_open() && unread(other) != 0) co_await yield();
    }
  }

  void end() { socket_.shutdown_send(); }
  void abort() { socket_.close_with_reset(); }

  // Hears until `mark` has come, and returns all that was not returned before, up to its end. Less
  // when the connection ends.
  base::Task<std::string> hear_until(std::string mark) {
    while (true) {
      const auto found = heard_.find(mark);
      if (found != std::string::npos) co_return cut(found + mark.size());
      const bool more = co_await hear_more();
      if (!more) co_return cut(heard_.size());
    }
  }
  base::Task<std::string> hear_bytes(std::size_t count) {
    while (heard_.size() < count) {
      const bool more = co_await hear_more();
      if (!more) break;
    }
    co_return cut(std::min(count, heard_.size()));
  }
  base::Task<std::string> hear_all() {
    bool more = true;
    while (more) more = co_await hear_more();
    co_return cut(heard_.size());
  }
  // Whether the connection ended by RST.
  bool was_reset() const { return was_reset_; }

 private:
  static int unread(base::Socket& socket) {
    int count = 0;
    ::ioctl(socket.native(), FIONREAD, &count);
    return count;
  }

  std::string cut(std::size_t n) {
    auto text = heard_.substr(0, n);
    heard_.erase(0, n);
    return text;
  }

  base::Task<bool> hear_more() {
    while (true) {
      char bytes[16384];
      const auto got = ::recv(socket_.native(), bytes, sizeof bytes, 0);
      if (got > 0) {
        heard_.append(bytes, static_cast<std::size_t>(got));
        co_return true;
      }
      if (got < 0 && errno == EAGAIN) {
        const auto ready = co_await socket_.wait_readable(base::Deadline::never());
        if (ready) continue;
      }
      was_reset_ = got < 0 && errno == ECONNRESET;
      co_return false;
    }
  }

  base::Socket& socket_;
  std::string heard_;
  bool was_reset_ = false;
};

}  // namespace gatehouse::http
