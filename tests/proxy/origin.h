// An upstream that does what a test's script says, on a loopback port of the test's own loop.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/gate.h"
#include "tests/http/wire.h"

namespace gatehouse::proxy {

class Origin {
 public:
  // What happens on one connection; `number` counts them from 1. The connection is closed when it
  // returns.
  using Script = base::Task<void> (*)(Origin& origin, http::RawPeer& peer, int number);

  Origin(base::Loop& loop, Script script)
      : seen(loop),
        gone(loop),
        listener_(loop, http::listen_on_loopback()),
        gate_(loop),
        script_(script) {
    gate_.spawn(accept(), "origin");
  }
  Origin(const Origin&) = delete;
  Origin& operator=(const Origin&) = delete;

  std::uint16_t port() { return listener_.local().port(); }
  std::string url() { return "http://127.0.0.1:" + std::to_string(port()); }
  // Takes no more connections: they are refused.
  void close() { listener_.close(); }
  // close(), and waits until every connection has ended: the loop may run on without the origin.
  base::Task<void> end() {
    close();
    (void)co_await gate_.close();
  }

  int connections = 0;
  std::vector<std::string> requests;  // heads and bodies, as they came
  std::uint64_t sent = 0;             // bytes, for scripts that count
  base::Event seen;                   // set by scripts
  base::Event gone;                   // set by scripts

 private:
  base::Task<void> accept() {
    for (;;) {
      auto socket = co_await base::accept(listener_);
      if (!socket) co_return;
      gate_.spawn(serve(std::make_unique<base::Socket>(std::move(*socket)), ++connections),
                  "origin connection");
    }
  }
  base::Task<void> serve(std::unique_ptr<base::Socket> socket, int number) {
    http::RawPeer peer(*socket);
    co_await script_(*this, peer, number);
  }

  base::Socket listener_;
  base::Gate gate_;
  Script script_;
};

// The value of a field in a raw head, or nothing.
inline std::string field_of(std::string_view head, std::string_view name) {
  std::string line = "\r\n";
  line += name;
  line += ": ";
  const auto at = head.find(line);
  if (at == std::string_view::npos) return "";
  const auto begin = at + line.size();
  return std::string(head.substr(begin, head.find("\r\n", begin) - begin));
}

// A whole message: head and body. Empty when the connection ends before a head.
inline base::Task<std::string> hear_message(http::RawPeer& peer) {
  auto message = co_await peer.hear_until("\r\n\r\n");
  const auto length = field_of(message, "Content-Length");
  if (!length.empty()) {
    const auto body = co_await peer.hear_bytes(std::stoul(length));
    message += body;
  } else if (field_of(message, "Transfer-Encoding") == "chunked") {
    const auto body = co_await peer.hear_until("0\r\n\r\n");
    message += body;
  }
  co_return message;
}

inline std::string ok(std::string_view body, std::string_view fields = "") {
  std::string text = "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n";
  text += fields;
  text += "\r\n";
  text += body;
  return text;
}

// Answers every request with "hello N", N counting connections.
inline base::Task<void> answer_all(Origin& origin, http::RawPeer& peer, int number) {
  for (;;) {
    auto request = co_await hear_message(peer);
    if (request.empty()) co_return;
    origin.requests.push_back(std::move(request));
    co_await peer.say(ok("hello " + std::to_string(number)));
  }
}

}  // namespace gatehouse::proxy
