// The client side of an HTTP/2 connection to an upstream (RFC 9113), shared by many exchanges.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "base/recycled_queue.h"
#include "http/http2_session.h"
#include "http/stream.h"

namespace gatehouse::http {

class Http2Client;

// A request that we send and its response. May outlive its connection, and is broken then. Errors
// carry Retry::kYes when the upstream said that it did not process the request (REFUSED_STREAM,
// GOAWAY), Retry::kReused when a connection that had served before broke without an answer.
//
// A head with `upgrade` asks for a tunnel by extended CONNECT (RFC 8441): kUnsupported where the
// upstream does not offer it. Its 2xx is given out as 101, with the Sec-WebSocket-Accept that
// belongs to the head's key; finish() before that ends nothing.
class Http2ClientStream final : public ClientStream,
                                public Http2Stream,
                                public base::RecycledObject {
 public:
  static constexpr unsigned kInterimHeads = 16;  // in front of one final head

  Http2ClientStream(Http2Client& client, Http2Session& session);
  ~Http2ClientStream() override;

  base::Task<base::Result<void>> send_head(const RequestHead& head) override;
  base::Task<base::Result<void>> write(base::Chunk chunk) override;
  base::Task<base::Result<void>> flush() override;
  // Does not wait for what is queued: read_head() counts the time from when it has left.
  base::Task<base::Result<void>> finish(const Fields& trailers) override;
  base::Task<base::Result<ResponseHead>> read_head() override;
  base::Task<base::Result<base::Chunk>> read() override;
  bool ready() const override { return input_ready(); }
  const Fields& trailers() const override { return trailers_; }
  void reset() override;

 private:
  friend class Http2Client;
  void head_came(Http2HeadFields& head, bool ended);
  base::Error mark(base::Error error) const;
  std::unexpected<base::Error> unsent(base::Error error);
  base::Deadline head_deadline() const;

  Http2Client* client_;
  base::Duration response_head_;
  base::Duration body_idle_;
  base::Duration stream_idle_;
  base::Duration idle_{};
  base::TimePoint began_{};
  base::RecycledQueue<ResponseHead>
      heads_;                          // that came and were not read yet: kInterimHeads + 1 at most
  bool never_has_body_ = false;        // the response, whatever comes after its head
  std::string bad_;                    // why the response is none
  std::string key_;                    // Sec-WebSocket-Key of who asked for the tunnel
  std::optional<base::Error> unsent_;  // why send_head() failed
  unsigned interim_heads_ = 0;
  bool to_head_ = false;
  bool tunnel_ = false;
  bool tunnel_open_ = false;
  bool expects_ = false;
  bool reused_ = false;  // not the first exchange of its connection
  bool has_final_ = false;
};

// One a connection; stays where it is. run() has returned before it dies.
class Http2Client {
 public:
  // Streams at once, whatever more the upstream allows.
  static constexpr std::uint32_t kMostStreams = 1000;
  static constexpr base::Duration kGoodbye{1'000};
  // Bytes of bodies that an upstream has answered without reading them. nginx takes 8 MiB of them
  // on a connection for a flood, and breaks it under all its requests: it is drained before.
  static constexpr std::uint64_t kUnreadMost = 4 * 1024 * 1024;

  // `transport` is connected, and its TLS handshake done ("h2" by ALPN, RFC 7301; or prior
  // knowledge without TLS).
  Http2Client(tls::Transport transport, const Http2Options& options);
  Http2Client(const Http2Client&) = delete;
  Http2Client& operator=(const Http2Client&) = delete;

  // Reads until the connection has ended, while exchanges run and while it is idle. Started once.
  base::Task<void> run();

  // `hook(owner)` runs when available() or ended() may have become true, inside of what made them.
  void when_changed(void (*hook)(void*), void* owner);

  // Whether the upstream has said its SETTINGS, and so what it allows.
  bool ready() const { return ready_; }
  // Whether open() gives a stream that can be used now: it is ready(), the connection stands, the
  // upstream has not said GOAWAY, and its SETTINGS_MAX_CONCURRENT_STREAMS is not reached.
  bool available() const;
  // Whether no stream will be available any more.
  bool ended() const { return going_away_ || draining_ || session_.over(); }
  // Exchanges under way.
  std::size_t streams() const { return streams_; }
  // Exchanges begun so far.
  std::uint64_t exchanges() const { return exchanges_; }
  // When the last exchange ended, or the connection was made.
  base::TimePoint idle_since() const { return idle_since_; }

  // For one exchange. When it is not available(), send_head() fails with Retry::kYes.
  std::unique_ptr<ClientStream> open();

  // No new streams; run() returns when the last one has ended.
  void drain();
  // Breaks streams that are left, says goodbye, run() returns.
  void close();

  // Why it ended, when badly.
  const std::optional<base::Error>& error() const { return session_.error(); }

 private:
  friend class Http2ClientStream;
  static void head(void* self, Http2Stream& stream, Http2HeadFields& head, bool ended);
  static void going_away(void* self, std::int32_t last);
  static void settings(void* self);
  void changed();
  base::Deadline wake_up() const;
  bool silent_for_too_long();
  void left();
  void left_unread(std::uint64_t bytes);

  tls::Transport transport_;
  Http2Options options_;
  Http2Session session_;
  void (*hook_)(void*) = nullptr;
  void* owner_ = nullptr;
  base::TimePoint heard_ = base::Clock::now();
  base::TimePoint asked_{};  // when the PING that is not answered yet was sent
  base::TimePoint idle_since_ = base::Clock::now();
  std::size_t streams_ = 0;
  std::uint64_t exchanges_ = 0;
  std::uint64_t unread_ = 0;  // towards kUnreadMost
  bool ready_ = false;
  bool going_away_ = false;  // the upstream said so
  bool draining_ = false;
  bool closing_ = false;
};

}  // namespace gatehouse::http
