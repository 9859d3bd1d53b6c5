// A worker's HTTP/2 connections to one upstream server, each shared by many exchanges, and the
// place where exchanges wait for one. On the worker's thread.
#pragma once

#include <list>
#include <memory>
#include <optional>

#include "base/event.h"
#include "base/gate.h"
#include "http/http2_client.h"

namespace gatehouse::proxy {

class Http2Sessions {
 public:
  // Connections at once; with 100 streams each more than a server should get from one worker.
  static constexpr std::size_t kMost = 16;
  // Exchanges that wait for a stream at once.
  static constexpr std::size_t kMostWaiting = 1024;

  explicit Http2Sessions(base::Loop& loop) : changed_(loop), gate_(loop) {}

  struct Opened {
    std::unique_ptr<http::ClientStream> stream;
    bool reused = false;  // not the first exchange of its connection
  };
  // A stream on a connection that has room for it; null when none has.
  Opened open();
  // A connection is being made, or has not said yet what it allows: there may be room soon.
  bool starting() const;
  bool full() const { return clients_.size() >= kMost; }

  // Whoever makes a connection for all says so, and how it went.
  void connecting() { connecting_ = true; }
  void connected(tls::Transport transport, const http::Http2Options& options);
  // It failed, or became another kind of connection (then without an error).
  void connected(std::optional<base::Error> failed);

  // Until something has changed: a stream may be open()ed, or a connection may be made. Errors:
  // why the connection that was waited for failed; kTimeout; kOverload.
  base::Task<base::Result<void>> wait(base::Deadline deadline);

  // A stream on a connection of its own, which ends with it.
  Opened own(tls::Transport transport, const http::Http2Options& options);

  // Ends connections that have been idle for `idle`, or said nothing for `start` when they were
  // new. From time to time.
  void sweep(base::Duration idle, base::Duration start);
  std::size_t count() const { return clients_.size(); }
  // Ends all.
  base::Task<void> stop();

 private:
  using Client = std::unique_ptr<http::Http2Client>;

  static void changed(void* self) { static_cast<Http2Sessions*>(self)->changed_.set(); }
  http::Http2Client* add(tls::Transport transport, const http::Http2Options& options);
  base::Task<void> run(http::Http2Client& client);
  void note(std::optional<base::Error> failed);

  std::list<Client> clients_;
  base::Event changed_;
  base::Gate gate_;
  std::optional<base::Error> failure_;  // of the connection that was made last
  std::uint64_t failures_ = 0;
  std::size_t waiting_ = 0;
  bool connecting_ = false;
};

}  // namespace gatehouse::proxy
