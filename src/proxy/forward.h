// Two streams joined: a client's request goes to an upstream, the answer comes back, both streamed
// with back-pressure. On the worker's thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/gate.h"
#include "http/stream.h"

namespace gatehouse::proxy {

// What has been read of a request's body, so that it can be sent again. Only for requests on
// connections that may have gone stale; given up once it is larger than kMost.
class Replay {
 public:
  static constexpr std::size_t kMost = 64 * 1024;

  void append(base::Bytes bytes);
  // Whether all that was read so far is here.
  bool complete() const { return !overflown_; }
  const std::string& bytes() const { return bytes_; }

 private:
  std::string bytes_;
  bool overflown_ = false;
};

// How one attempt to forward ended.
struct ForwardResult {
  enum class End : std::uint8_t {
    kDone,      // the response has reached the client whole
    kUpstream,  // the upstream failed; `error` says how
    kClient,    // the client failed, or its request was bad; `error` says how
  };
  End end = End::kDone;
  base::Error error;
  std::uint16_t status = 0;         // of the final response, once its head came
  std::uint64_t body_bytes = 0;     // of the response, or the tunnel, that were passed on
  std::uint64_t request_bytes = 0;  // that came from the client, in a body or a tunnel
  std::string keep_alive;           // the response's Keep-Alive field
};

// One attempt. Lives until run() has returned.
class Forward {
 public:
  // A client that waits for "100 Continue" waits for the upstream's, which may refuse the body by
  // its head alone. Some never send it: after so long the client gets ours (RFC 9110 10.1.1).
  static constexpr base::Duration kContinueWait{1'000};

  // `stream_idle`: how long a tunnel may be silent, should the request open one.
  Forward(base::Loop& loop, http::ServerStream& down, http::ClientStream& up, Replay& replay,
          bool may_replay, base::Duration stream_idle);
  Forward(const Forward&) = delete;
  Forward& operator=(const Forward&) = delete;
  ~Forward() { down_.when_cancelled(nullptr, nullptr); }

  // Names with "_" or "." that a request's trailers may have; `names` outlives run().
  void allow_in_trailers(const std::vector<std::string>& names) { allowed_ = &names; }

  // Sends `request` with the body of the client's, passes the response on. When the upstream
  // fails before a head came, nothing has been sent to the client. A request that asks for a tunnel
  // and gets it (101) lasts until the tunnel has ended.
  // `result`: as it was made.
  base::Task<void> run(const http::RequestHead& request, ForwardResult& result);

 private:
  static void client_cancelled(void* self);
  base::Task<void> pump_request();
  base::Task<base::Result<void>> send_replay();
  base::Task<void> send_head_alone();
  base::Task<void> pass_body(ForwardResult& result);
  base::Task<void> pass_tunnel(ForwardResult& result);
  base::Task<base::Result<http::ResponseHead>> pass_interim(http::ResponseHead head);
  base::Task<void> stop_pump(bool keep_reading);
  base::Task<void> end_pump(bool keep_reading);
  void fail_by_upstream(ForwardResult& result, base::Error error);
  void fail_by_client(ForwardResult& result, base::Error error);

  http::ServerStream& down_;
  http::ClientStream& up_;
  Replay& replay_;
  bool may_replay_;
  base::Loop& loop_;
  base::Duration stream_idle_;
  const std::vector<std::string>* allowed_ = nullptr;
  base::Gate gate_;
  base::Event continue_;  // set once the body is to be sent, or nobody waits for it any more
  std::uint64_t request_bytes_ = 0;
  bool expects_ = false;  // the body waits for continue_
  bool pumping_ = false;
  bool writing_ = false;        // the pump has written, and the head with it
  bool stop_ = false;           // the pump is to end at its next step
  bool client_failed_ = false;  // reading the request's body, or writing the response
  base::Error client_error_;
};

}  // namespace gatehouse::proxy
