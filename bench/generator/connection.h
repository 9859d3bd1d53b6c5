// A client's connection: TCP, TLS 1.3 if asked for, and HTTP/1.1 requests one after the other. It
// never waits; advance() goes as far as it can.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "options.h"
#include "poller.h"

namespace gatehouse::bench {

// What all connections of a run share: whom they connect to, and as what.
class Target {
 public:
  explicit Target(const Options& options);

  const Options& options() const { return options_; }
  SSL_CTX* tls() const { return tls_.get(); }  // null: without
  // A session that a server has given out and that was not used yet, or null.
  bssl::UniquePtr<SSL_SESSION> take_session();

 private:
  static int keep_session(SSL* ssl, SSL_SESSION* session);

  Options options_;
  bssl::UniquePtr<SSL_CTX> tls_;
  std::vector<bssl::UniquePtr<SSL_SESSION>> sessions_;  // at most kSessions
};

class Connection {
 public:
  enum class State : std::uint8_t {
    kClosed,
    kConnecting,
    kHandshaking,
    kOpen,  // nothing under way
    kSending,
    kReceiving,
    kFailed,  // why() says it
  };

  // Both outlive it.
  Connection(Poller& poller, Target& target) : poller_(poller), target_(target) {}
  ~Connection() { close(); }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  // Closed before. `session`: to resume, or null.
  void open(bssl::UniquePtr<SSL_SESSION> session);
  // Open before. The head, and so many bytes of body behind it.
  void request(std::string_view head, std::uint64_t body_bytes);
  // Goes on until something would block; what it is now. A request that has been answered with 200
  // and a whole body leaves it open.
  State advance();
  // close_notify and FIN.
  void close();

  State state() const { return state_; }
  const std::string& why() const { return why_; }
  bool resumed() const { return ssl_ && SSL_session_reused(ssl_.get()); }
  // Whether the peer ended the handshake with a fatal alert.
  bool was_refused() const { return refused_; }
  Clock::time_point began{};  // for who drives it

 private:
  bool connect_step();
  bool handshake_step();
  bool send_step();
  bool receive_step();
  bool take(std::string_view input);
  bool read_head();
  // Bytes moved; 0: it would block, or state_ is kFailed.
  std::size_t write(std::string_view bytes);
  std::size_t read(char* into, std::size_t size);
  std::size_t moved(long count, const char* what);
  bool fail(std::string why);

  Poller& poller_;
  Target& target_;
  int fd_ = -1;
  bssl::UniquePtr<SSL> ssl_;
  State state_ = State::kClosed;
  std::string why_;
  bool refused_ = false;
  std::string head_;  // of the request, then of the response
  std::size_t sent_ = 0;
  std::uint64_t body_left_ = 0;  // of the request, then of the response
  bool in_body_ = false;
};

}  // namespace gatehouse::bench
