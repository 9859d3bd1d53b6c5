#include "base/socket.h"

#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <climits>

namespace gatehouse::base {

namespace {

constexpr int kBacklog = 4096;

void set_no_delay(int fd, int family) {
  const int on = 1;
  if (family != AF_UNIX) ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

bool unix_socket_answers(const Endpoint& at) {
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return false;
  const bool answers = ::connect(fd, at.address(), at.length()) == 0;
  ::close(fd);
  return answers;
}

void remove_stale_unix_socket(const Endpoint& at) {
  const auto* path = reinterpret_cast<const sockaddr_un*>(at.address())->sun_path;
  struct stat info{};
  if (::lstat(path, &info) != 0 || !S_ISSOCK(info.st_mode)) return;
  if (!unix_socket_answers(at)) ::unlink(path);
}

Error listen_error(int error, const Endpoint& at) {
  auto e = from_errno(error, Side::kLocal, "listen on " + at.text());
  if (error == EACCES) e.detail += " (ports below 1024 need root or CAP_NET_BIND_SERVICE)";
  if (error == EADDRINUSE) e.detail += " (another process holds the address; stop it or change it)";
  return e;
}

}  // namespace

// One wait, in the frame of who waits.
struct Socket::Wait : Waiting {
  Wait(Loop& l, Watch& w, Readiness r, Deadline deadline)
      : loop(l), watch(w), what(r), timer(ring, this) {
    loop.wheel().arm(timer, deadline);
    loop.poller().wait(watch, what, *this);
  }
  ~Wait() { forget(); }

  void forget() {
    auto& place = watch.waiting[static_cast<std::size_t>(what)];
    if (place == this) place = nullptr;
  }
  static void ring(void* self) {
    auto& waiting = *static_cast<Wait*>(self);
    if (waiting.is_linked()) return;  // told already
    waiting.timed_out = true;
    waiting.forget();
    waiting.loop.run_soon(waiting);
  }

  Loop& loop;
  Watch& watch;
  Readiness what;
  bool timed_out = false;
  WheelTimer timer;
};

Socket::Socket(Loop& loop, int fd) : loop_(&loop), watch_(&loop.poller().add(fd)) {}

Socket::Socket(Socket&& other) noexcept
    : loop_(other.loop_), watch_(std::exchange(other.watch_, nullptr)) {}

Task<Result<void>> Socket::wait_readable(Deadline deadline) {
  return wait(Readiness::kRead, deadline);
}

Task<Result<void>> Socket::wait_writable(Deadline deadline) {
  return wait(Readiness::kWrite, deadline);
}

Task<Result<void>> Socket::wait_for_interrupt(Deadline deadline) {
  auto waited = co_await wait(Readiness::kBroken, deadline);
  if (waited) co_return fail(Code::kReset, "the connection broke");
  co_return waited;
}

Task<Result<void>> Socket::wait(Readiness what, Deadline deadline) {
  if (!is_open()) co_return fail(Code::kCancelled, "the connection was closed");
  if (loop_->poller().is_ready(*watch_, what)) co_return Result<void>();
  const auto interrupts = interrupts_;
  const auto reading_interrupts = reading_interrupts_;
  Wait waiting(*loop_, *watch_, what, deadline);
  co_await waiting;
  const bool interrupted = interrupts != interrupts_ ||
                           (what == Readiness::kRead && reading_interrupts != reading_interrupts_);
  if (interrupted) co_return fail(Code::kCancelled, "the wait was interrupted");
  if (waiting.timed_out) {
    co_return fail(Code::kTimeout, "the other side was silent for too long");
  }
  co_return Result<void>();
}

void Socket::wake(Readiness what) {
  auto* const waiting = std::exchange(watch_->waiting[static_cast<std::size_t>(what)], nullptr);
  if (waiting != nullptr) loop_->run_soon(*waiting);
}

void Socket::interrupt() {
  ++interrupts_;
  if (!is_open()) return;
  for (const auto what : {Readiness::kRead, Readiness::kWrite, Readiness::kBroken}) wake(what);
}

void Socket::interrupt_reading() {
  ++reading_interrupts_;
  if (is_open()) wake(Readiness::kRead);
}

void Socket::shutdown_send() {
  if (is_open()) ::shutdown(native(), SHUT_WR);
}

void Socket::keep_alive() {
  if (!is_open()) return;
  const auto set = [fd = native()](int level, int name, int value) {
    ::setsockopt(fd, level, name, &value, sizeof value);
  };
  set(SOL_SOCKET, SO_KEEPALIVE, 1);  // the rest is refused, without harm, on a Unix socket
  set(IPPROTO_TCP, TCP_KEEPIDLE, kKeepAlive);
  set(IPPROTO_TCP, TCP_KEEPINTVL, kKeepAlive);
  set(IPPROTO_TCP, TCP_KEEPCNT, kKeepAliveProbes);
}

void Socket::limit_unacknowledged(Duration limit) {
  if (!is_open()) return;
  const auto ms = static_cast<unsigned>(std::clamp<std::int64_t>(limit.count(), 0, INT_MAX));
  // Refused, without harm, on a Unix socket.
  ::setsockopt(native(), IPPROTO_TCP, TCP_USER_TIMEOUT, &ms, sizeof ms);
}

std::uint64_t Socket::unacknowledged() {
  int bytes = 0;
  if (!is_open() || ::ioctl(native(), SIOCOUTQ, &bytes) != 0) return 0;
  return static_cast<std::uint64_t>(bytes);
}

void Socket::close() {
  if (!is_open()) return;
  interrupt();
  const int fd = native();
  loop_->poller().remove(*watch_);
  watch_ = nullptr;
  ::close(fd);
}

void Socket::close_with_reset() {
  if (!is_open()) return;
  const linger at_once{1, 0};
  ::setsockopt(native(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

namespace {

template <class Call>
Endpoint ask_address(Call call, int fd) {
  sockaddr_storage storage{};
  socklen_t length = sizeof storage;
  auto* address = reinterpret_cast<sockaddr*>(&storage);
  if (call(fd, address, &length) != 0) return {};
  return Endpoint(address, length);
}

}  // namespace

Endpoint Socket::peer() { return is_open() ? ask_address(::getpeername, native()) : Endpoint(); }

Endpoint Socket::local() { return is_open() ? ask_address(::getsockname, native()) : Endpoint(); }

Task<Result<Socket>> connect(Loop& loop, Endpoint to, Deadline deadline) {
  const auto failed = [&to](int error) {
    auto e = from_errno(error, Side::kUpstream, "connect to " + to.text());
    e.retry = Retry::kYes;
    return fail(std::move(e));
  };
  const int fd = ::socket(to.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) co_return failed(errno);
  Socket socket(loop, fd);
  set_no_delay(fd, to.family());
  if (::connect(fd, to.address(), to.length()) != 0) {
    if (errno != EINPROGRESS) co_return failed(errno);
    auto waited = co_await socket.wait_writable(deadline);
    if (!waited) {
      auto e = std::move(waited.error());
      e.detail = "connect to " + to.text() + ": " + e.detail;
      e.side = Side::kUpstream;
      e.retry = Retry::kYes;
      co_return fail(std::move(e));
    }
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    loop.poller().ask_to_write(*socket.watch_, false);
    if (error != 0) co_return failed(error);
  }
  co_return socket;
}

Result<int> listen_on(const Endpoint& at, bool shared) {
  const int fd = ::socket(at.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd < 0) return fail(listen_error(errno, at));
  const int on = 1;
  const int off = 0;
  if (at.is_ip()) {
    set_no_delay(fd, at.family());  // what is accepted inherits it
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (shared) ::setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
    if (at.family() == AF_INET6) {
      ::setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }
  } else {
    remove_stale_unix_socket(at);
  }
  if (::bind(fd, at.address(), at.length()) != 0 || ::listen(fd, kBacklog) != 0) {
    auto e = listen_error(errno, at);
    ::close(fd);
    return fail(std::move(e));
  }
  return fd;
}

Task<Result<Socket>> accept(Socket& listener) {
  Endpoint peer;
  co_return co_await accept(listener, peer);
}

Task<Result<Socket>> accept(Socket& listener, Endpoint& peer) {
  for (;;) {
    if (!listener.is_open()) co_return fail(Code::kCancelled, "the listener was closed");
    sockaddr_storage storage{};
    socklen_t length = sizeof storage;
    auto* const address = reinterpret_cast<sockaddr*>(&storage);
    const int fd = ::accept4(listener.native(), address, &length, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
      peer = Endpoint(address, length);
      co_return Socket(listener.loop(), fd);
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      listener.read_all();
      auto waited = co_await listener.wait_readable(Deadline::never());
      if (!waited) co_return fail(std::move(waited.error()));
    } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
      co_return fail(from_errno(errno, Side::kLocal, "accept"));
    }
    // ECONNABORTED, EINTR, network errors: that one connection is gone, the listener is not.
  }
}

}  // namespace gatehouse::base
