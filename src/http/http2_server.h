// The server side of an HTTP/2 connection (RFC 9113): yields requests, many at once, and answers by
// itself what is too malformed or too long to be one.
#pragma once

#include <memory>
#include <unordered_map>

#include "base/recycled.h"
#include "http/http2_session.h"
#include "http/stream.h"

namespace gatehouse::http {

class Http2Server;

// A request and the response that we owe. May outlive its connection, and is broken then.
//
// A head with `upgrade` came as extended CONNECT (RFC 8441): write_head() with 101 answers it with
// 200, and the stream is a tunnel.
class Http2ServerStream final : public ServerStream,
                                public Http2Stream,
                                public base::RecycledObject {
 public:
  Http2ServerStream(Http2Server& server, Http2Session& session, std::int32_t id);
  ~Http2ServerStream() override;

  const RequestHead& head() const override { return head_; }
  base::Task<base::Result<base::Chunk>> read() override;
  const Fields& trailers() const override { return trailers_; }
  bool request_ended() const override { return input_is_over(); }
  void stop_reading() override { stop_reading_pieces(); }
  void when_cancelled(void (*hook)(void*), void* owner) override;
  base::Task<base::Result<void>> write_interim(const ResponseHead& head) override;
  base::Task<base::Result<void>> write_head(const ResponseHead& head) override;
  base::Task<base::Result<void>> write(base::Chunk chunk) override;
  base::Task<base::Result<void>> flush() override;
  base::Task<base::Result<void>> finish(const Fields& trailers) override;
  bool answered() const override { return answered_; }
  void reset(base::Code why) override;

 private:
  friend class Http2Server;
  void answer_refused(const Refusal& refusal);
  bool is_over() const { return !open() || output_is_over(); }

  Http2Server* server_;
  RequestHead head_;
  std::uint64_t body_limit_;
  base::Duration body_idle_;
  bool tunnel_ = false;
  bool owes_continue_ = false;
  bool counted_ = false;  // handed out: an exchange works on it
};

// One a connection, beside its Transport.
class Http2Server {
 public:
  // For what is queued to leave once the connection ends.
  static constexpr base::Duration kDrainTime{1'000};
  // How long clients have to take notice that we end, before we refuse new streams (RFC 9113 6.8).
  static constexpr base::Duration kNotice{1'000};

  // `transport` outlives the server. `first`: bytes that were read already; may be empty.
  Http2Server(tls::Transport& transport, const Http2Options& options, base::Chunk first);
  Http2Server(const Http2Server&) = delete;
  Http2Server& operator=(const Http2Server&) = delete;
  ~Http2Server();

  // Waits for the next request. Null when the connection has ended as connections do: by the
  // client, idle for too long, drained. Errors, kDownstream: kMalformed when the client broke the
  // protocol or flooded us, kClosed and kReset when it broke off with streams open, kTimeout.
  // Afterwards end() is due.
  base::Task<base::Result<std::unique_ptr<ServerStream>>> next();

  // From now on: GOAWAY, twice, so that no request is lost; next() ends once no stream is open.
  void set_draining();

  // Sends what is queued and says goodbye. All streams have been destroyed.
  base::Task<void> end();

  // Exchanges under way: handed out and not destroyed yet, whether or not their streams are open.
  std::size_t exchanges() const { return exchanges_; }

 private:
  friend class Http2ServerStream;
  using Id = std::int32_t;
  using Streams =
      std::unordered_map<Id, std::unique_ptr<Http2ServerStream>, std::hash<Id>, std::equal_to<>,
                         base::Recycled<std::pair<const Id, std::unique_ptr<Http2ServerStream>>>>;

  static Http2Stream* begun(void* self, std::int32_t id);
  static void head(void* self, Http2Stream& stream, Http2HeadFields& head, bool ended);

  base::Deadline wake_up() const;
  bool wait_is_over();
  base::Result<std::unique_ptr<ServerStream>> ended();
  void left();
  void note_idle();
  static void let_go(void* self) { static_cast<Http2Server*>(self)->set_draining(); }

  Http2Options options_;
  Http2Session session_;
  base::Chunk first_;
  // Streams whose heads are coming, and those that were refused and are being answered.
  Streams own_;
  base::RecycledList<std::unique_ptr<Http2ServerStream>> arrived_;
  std::size_t exchanges_ = 0;
  base::TimePoint heard_ = base::Clock::now();   // when something came last
  base::TimePoint worked_ = base::Clock::now();  // when the last exchange ended
  base::Deadline notice_;
  IdleClients::Place place_;
  bool draining_ = false;
};

}  // namespace gatehouse::http
