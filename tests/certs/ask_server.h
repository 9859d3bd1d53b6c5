// An application that is asked about names: a tiny HTTP server on a loopback port, on the test's
// loop, with scripted answers.
#pragma once

#include <sys/socket.h>

#include <map>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/endpoint.h"
#include "base/loop.h"
#include "base/socket.h"

namespace gatehouse::certs {

class AskServer {
 public:
  explicit AskServer(base::Loop& loop) : state_(std::make_shared<State>(loop, listen())) {
    loop.spawn(serve(state_), "ask server");
  }
  // Its tasks may end later: they own what they use.
  ~AskServer() { die(); }

  std::string url(std::string_view path_and_query) {
    const auto port = std::to_string(state_->listener.local().port());
    return "http://127.0.0.1:" + port + std::string(path_and_query);
  }
  // Status for a name; 0: never answers. 200 by default.
  void answer(const std::string& name, int status) { state_->answers[name] = status; }
  void location(std::string to) { state_->location = std::move(to); }
  // Refuses connections from now on.
  void die() { state_->listener.close(); }
  const std::vector<std::string>& targets() const { return state_->targets; }

 private:
  struct State {
    State(base::Loop& on, int fd) : loop(on), listener(on, fd) {}
    base::Loop& loop;
    base::Socket listener;
    std::map<std::string, int> answers;
    std::string location;
    std::vector<std::string> targets;
  };

  static int listen() {
    auto fd = base::listen_on(*base::Endpoint::from_ip("127.0.0.1", 0), false);
    if (!fd) throw std::runtime_error(fd.error().detail);
    return *fd;
  }

  static base::Task<void> serve(std::shared_ptr<State> state) {
    while (true) {
      auto accepted = co_await base::accept(state->listener);
      if (!accepted) co_return;
      auto socket = std::make_shared<base::Socket>(std::move(*accepted));
      state->loop.spawn(converse(state, std::move(socket)), "ask connection");
    }
  }

  static base::Task<void> converse(std::shared_ptr<State> state,
                                   std::shared_ptr<base::Socket> socket) {
    std::string buffer;
    while (true) {
      const std::size_t end = buffer.find("\r\n\r\n");
      if (end != std::string::npos) {
        const std::string head = buffer.substr(0, end);
        buffer.erase(0, end + 4);
        const std::string out = respond(*state, head);
        (void)!::send(socket->native(), out.data(), out.size(), MSG_NOSIGNAL);
        continue;
      }
      const auto ready = co_await socket->wait_readable(base::Deadline::never());
      if (!ready) co_return;
      char bytes[4096];
      const auto got = ::recv(socket->native(), bytes, sizeof bytes, 0);
      if (got <= 0) co_return;
      buffer.append(bytes, static_cast<std::size_t>(got));
    }
  }

  // Empty: no answer.
  static std::string respond(State& state, const std::string& head) {
    const std::size_t from = head.find(' ') + 1;
    const std::string target = head.substr(from, head.find(' ', from) - from);
    state.targets.push_back(target);
    const std::string name = target.substr(target.find("domain=") + 7);
    const auto known = state.answers.find(name);
    const int status = known == state.answers.end() ? 200 : known->second;
    if (status == 0) return {};
    std::string out = "HTTP/1.1 " + std::to_string(status) + " Scripted\r\n";
    if (!state.location.empty()) out += "Location: " + state.location + "\r\n";
    return out + "Content-Length: 0\r\n\r\n";
  }

  std::shared_ptr<State> state_;
};

}  // namespace gatehouse::certs
