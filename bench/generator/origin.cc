#include <netinet/in.h>
#include <netinet/tcp.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <utility>

#include "modes.h"

namespace gatehouse::bench {
namespace {

constexpr std::size_t kSmall = 1024;
constexpr std::size_t kLarge = 10 << 20;
constexpr std::size_t kMost = 100 << 20;

std::string answer(std::string_view status, std::size_t body) {
  return "HTTP/1.1 " + std::string(status) +
         "\r\nContent-Type: application/octet-stream\r\nContent-Length: " + std::to_string(body) +
         "\r\n\r\n" + std::string(body, 'x');
}

// Whole responses, made once.
struct Answers {
  // The answer to "GET /bytes/N".
  const std::string* sized(std::string_view number) {
    std::size_t size = 0;
    for (const char digit : number) {
      if (digit == ' ') break;
      if (digit < '0' || digit > '9' || size > kMost) return &wrong;
      size = size * 10 + static_cast<std::size_t>(digit - '0');
    }
    auto& made = by_size[size];
    if (made.empty()) made = answer("200 OK", size);
    return &made;
  }

  std::string small = answer("200 OK", kSmall);
  std::string large = answer("200 OK", kLarge);
  std::string done = answer("200 OK", 2);
  std::string wrong = answer("400 Bad Request", 0);
  std::map<std::size_t, std::string> by_size;
};

// A connection from the proxy. Requests are answered one at a time.
class Peer {
 public:
  Peer(int fd, Answers& answers) : fd_(fd), answers_(answers) {}
  ~Peer() { ::close(fd_); }
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;

  // Goes on until something would block. False: it is over.
  bool advance() {
    while (true) {
      if (!sending_.empty()) {
        const auto n = ::send(fd_, sending_.data(), sending_.size(), MSG_NOSIGNAL);
        if (n < 0) return errno == EAGAIN;
        sending_.remove_prefix(static_cast<std::size_t>(n));
        continue;
      }
      if (answer_next()) continue;
      static char buffer[256 * 1024];
      const auto n = ::recv(fd_, buffer, sizeof buffer, 0);
      if (n < 0) return errno == EAGAIN;
      if (n == 0) return false;
      const auto body = std::min(static_cast<std::uint64_t>(n), body_left_);
      body_left_ -= body;
      input_.append(buffer + body, static_cast<std::size_t>(n) - body);
    }
  }

 private:
  // Whether there was a request whose answer can go out.
  bool answer_next() {
    if (body_left_ > 0) return false;
    if (waiting_ != nullptr) {
      sending_ = *std::exchange(waiting_, nullptr);
      return true;
    }
    const auto end = input_.find("\r\n\r\n");
    if (end == input_.npos) return false;
    const std::string head = input_.substr(0, end + 2);
    input_.erase(0, end + 4);
    waiting_ = choose(head);
    if (const char* field = ::strcasestr(head.c_str(), "\r\nContent-Length:")) {
      body_left_ = std::strtoull(field + std::strlen("\r\nContent-Length:"), nullptr, 10);
      const auto here = std::min<std::uint64_t>(body_left_, input_.size());
      input_.erase(0, here);
      body_left_ -= here;
    }
    return body_left_ == 0 && answer_next();
  }

  const std::string* choose(const std::string& head) {
    if (head.starts_with("GET /1k ")) return &answers_.small;
    if (head.starts_with("GET /10m ")) return &answers_.large;
    constexpr std::string_view kSized = "GET /bytes/";
    if (head.starts_with(kSized)) {
      return answers_.sized(std::string_view(head).substr(kSized.size()));
    }
    if (head.starts_with("POST ") && ::strcasestr(head.c_str(), "\r\nContent-Length:")) {
      return &answers_.done;
    }
    return &answers_.wrong;
  }

  const int fd_;
  Answers& answers_;
  std::string input_;            // heads that are not whole yet
  std::uint64_t body_left_ = 0;  // of the request under way
  const std::string* waiting_ = nullptr;
  std::string_view sending_;
};

int listen_on(std::uint16_t port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(port);
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) fail("bind");
  if (::listen(fd, 4096) != 0) fail("listen");
  return fd;
}

}  // namespace

void origin(const Options& options) {
  Answers answers;
  Poller poller;
  const int listener = listen_on(options.port);
  poller.add(listener, nullptr);
  std::printf("ready\n");
  std::fflush(stdout);
  while (true) {
    for (const auto& event : poller.wait(Clock::now() + std::chrono::hours(1))) {
      if (auto* peer = static_cast<Peer*>(event.data.ptr)) {
        if (!peer->advance()) delete peer;
        continue;
      }
      int fd;
      while ((fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        const int on = 1;
        ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        poller.add(fd, new Peer(fd, answers));
      }
    }
  }
}

}  // namespace gatehouse::bench
