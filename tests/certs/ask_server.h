// An application that is asked about names: a tiny HTTP server on a loopback port, on the test's
// loop, with scripted answers.
#pragma once

#include <sys/socket.h>

#include <list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/endpoint.h"
#include "base/loop.h"
#include "base/socket.h"

namespace gatehouse::certs {

class AskServer {
 public:
  explicit AskServer(base::Loop& loop) : loop_(loop), listener_(loop, listen()) {
    loop_.spawn(serve(), "ask server");
  }

  std::string url(std::string_view path_and_query) {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path_and_query);
  }
  // Status for a name; 0: never answers. 200 by default.
  void answer(const std::string& name, int status) { answers_[name] = status; }
  void location(std::string to) { location_ = std::move(to); }
  // Refuses connections from now on.
  void die() { listener_.close(); }
  const std::vector<std::string>& targets() const { return targets_; }

 private:
  int listen() {
    auto fd = base::listen_on(*base::Endpoint::from_ip("127.0.0.1", 0), false);
    if (!fd) throw std::runtime_error(fd.error().detail);
    sockaddr_storage address{};
    socklen_t length = sizeof address;
    ::getsockname(*fd, reinterpret_cast<sockaddr*>(&address), &length);
    port_ = base::Endpoint(reinterpret_cast<sockaddr*>(&address), length).port();
    return *fd;
  }

  base::Task<void> serve() {
    while (true) {
      auto accepted = co_await base::accept(listener_);
      if (!accepted) co_return;
      connections_.push_back(std::move(*accepted));
      loop_.spawn(converse(connections_.back()), "ask connection");
    }
  }

  base::Task<void> converse(base::Socket& socket) {
    std::string buffer;
    while (true) {
      const std::size_t end = buffer.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::string head = buffer.substr(0, end);
        buffer.erase(0, end + 4);
        const std::string out = respond(head);
        if (out.empty()) co_return;
        (void)!::send(socket.native(), out.data(), out.size(), MSG_NOSIGNAL);
        continue;
      }
      const auto ready = co_await socket.wait_readable(base::Deadline::never());
      if (!ready) co_return;
      char bytes[4096];
      const auto got = ::recv(socket.native(), bytes, sizeof bytes, 0);
      if (got <= 0) co_return;
      buffer.append(bytes, static_cast<std::size_t>(got));
    }
  }

  std::string respond(const std::string& head) {
    const std::size_t from = head.find(' ') + 1;
    const std::string target = head.substr(from, head.find(' ', from) - from);
    targets_.push_back(target);
    const std::string name = target.substr(target.find("domain=") + 7);
    const auto known = answers_.find(name);
    const int status = known == answers_.end() ? 200 : known->second;
    if (status == 0) return {};
    std::string out = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n";
    if (!location_.empty()) out += "Location: " + location_ + "\r\n";
    return out + "Content-Length: 0\r\n\r\n";
  }

  base::Loop& loop_;
  std::uint16_t port_ = 0;
  base::Socket listener_;
  std::list<base::Socket> connections_;
  std::map<std::string, int> answers_;
  std::string location_;
  std::vector<std::string> targets_;
};

}  // namespace gatehouse::certs
