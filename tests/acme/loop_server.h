// The ScriptServer's like on the loop under test: nothing happens there without it, so that time
// can be skipped (tests/base/skipped_time.h); and it can break off, drip and pour.
#pragma once

#include "base/event.h"
#include "tests/acme/script_server.h"
#include "tests/http/wire.h"

namespace gatehouse::acme {

class LoopServer {
 public:
  using Handler = std::function<ScriptReply(const ScriptRequest&)>;

  // `loop` outlives it, and does not run after it.
  LoopServer(Handler handler, base::Loop& loop)
      : handler_(std::move(handler)), loop_(loop), listener_(loop, http::listen_on_loopback()) {
    port_ = http::port_of(listener_.native());
    loop.spawn(accept_all(), "a scripted server");
  }
  LoopServer(const LoopServer&) = delete;
  LoopServer& operator=(const LoopServer&) = delete;

  std::string url(std::string_view path) const {
    return "http://127.0.0.1:" + std::to_string(port_) + std::string(path);
  }

 private:
  base::Task<void> accept_all() {
    while (true) {
      auto socket = co_await base::accept(listener_);
      if (!socket) co_return;
      loop_.spawn(converse(std::move(*socket)), "a scripted conversation");
    }
  }

  base::Task<void> converse(base::Socket socket) {
    std::string heard;
    while (true) {
      const auto request = take_request(heard);
      if (!request) {
        const bool more = co_await hear_more(socket, heard);
        if (!more) co_return;
        continue;
      }
      const bool goes_on = co_await answer(socket, *request);
      if (!goes_on) co_return;
    }
  }

  base::Task<bool> answer(base::Socket& socket, const ScriptRequest& request) {
    const ScriptReply reply = handler_(request);
    const bool ordinary = reply.raw.empty() && reply.dripped.empty() && reply.poured.empty() &&
                          !reply.silent && !reply.hang_up && !reply.reset;
    std::string said = ordinary ? wire_text(reply, request) : reply.raw;
    bool open = co_await say(socket, std::move(said));
    if (ordinary) co_return open;
    while (open && !(reply.dripped.empty() && reply.poured.empty())) {
      open = co_await say(socket, reply.dripped + reply.poured);
      if (!reply.dripped.empty()) {
        co_await base::sleep_until(loop_, base::Deadline::in(base::Duration(1'000)));
      }
    }
    if (reply.reset) socket.close_with_reset();
    std::string ignored;
    bool waits = open && !reply.reset && !reply.hang_up;
    while (waits) waits = co_await hear_more(socket, ignored);
    co_return false;
  }

  // Whether all was said.
  static base::Task<bool> say(base::Socket& socket, std::string text) {
    std::string_view rest(text);
    while (!rest.empty()) {
      const auto sent = ::send(socket.native(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent > 0) {
        rest.remove_prefix(static_cast<std::size_t>(sent));
        continue;
      }
      if (errno != EAGAIN) co_return false;
      socket.wrote_all_it_took();
      const auto ready = co_await socket.wait_writable(base::Deadline::never());
      if (!ready) co_return false;
    }
    co_return true;
  }

  // False at the end of the connection.
  static base::Task<bool> hear_more(base::Socket& socket, std::string& heard) {
    while (true) {
      char bytes[16384];
      const auto got = ::recv(socket.native(), bytes, sizeof bytes, 0);
      if (got > 0) heard.append(bytes, static_cast<std::size_t>(got));
      if (got > 0) co_return true;
      if (got == 0 || errno != EAGAIN) co_return false;
      socket.read_all();
      const auto ready = co_await socket.wait_readable(base::Deadline::never());
      if (!ready) co_return false;
    }
  }

  Handler handler_;
  base::Loop& loop_;
  base::Socket listener_;
  int port_ = 0;
};

}  // namespace gatehouse::acme
