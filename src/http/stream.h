// One exchange of a request and its response, seen from the two sides of a proxy. Bodies are
// pulled: to read is to permit the other side to send. The one lifetime rule: read a message to
// its end, or reset. All on the loop of the connection; one task reads while another writes.
//
// A request whose head has `upgrade` may be answered with 101 as its final head: then both streams
// are a tunnel, read() and write() carry raw bytes both ways at once, finish() ends one direction,
// and an empty piece is the other side's end of its own.
#pragma once

#include "base/buffer.h"
#include "base/error.h"
#include "base/loop.h"
#include "http/message.h"

namespace gatehouse::http {

// What has ended well before it began.
inline base::Task<base::Result<void>> nothing_to_do() {
  return base::at_once(base::Result<void>());
}

// A request that a client sent us, and the response that we owe. Errors are kDownstream.
class ServerStream {
 public:
  virtual ~ServerStream() = default;

  virtual const RequestHead& head() const = 0;

  // Next piece of the body; empty at its end, after which trailers() is filled. Sends "100
  // Continue" first when the client waits for it and nothing has been answered yet. Errors:
  // kClosed/kReset when the client broke off (the body is cut, never ended), kTimeout (stalled),
  // kMalformed (bad chunk: status() of a fitting answer is 400), kTooLarge (over the body limit).
  virtual base::Task<base::Result<base::Chunk>> read() = 0;
  virtual const Fields& trailers() const = 0;
  // True when the whole request body has been handed out (or there is none).
  virtual bool request_ended() const = 0;
  // Wakes a read() that waits, with kCancelled: nobody wants the rest of the body.
  virtual void stop_reading() = 0;
  // `hook(owner)` runs once when the client cancels the exchange as its protocol does that
  // (RST_STREAM, RFC 9113 5.4.2), whether or not anybody reads; at once if it has. Null takes it
  // back. On HTTP/1.1 a FIN after a whole request is no wish to cancel, but in an event stream:
  // nobody listens any more, and nothing else would tell.
  virtual void when_cancelled(void (*hook)(void* owner), void* owner) = 0;

  // An interim response (1xx but 101). Dropped for HTTP/1.0 clients.
  virtual base::Task<base::Result<void>> write_interim(const ResponseHead& head) = 0;
  // The final head. Held back to leave with the first body bytes: flush(), write() or finish()
  // sends it. Once only.
  virtual base::Task<base::Result<void>> write_head(const ResponseHead& head) = 0;
  // A body piece, sent before it returns (that is the back-pressure).
  virtual base::Task<base::Result<void>> write(base::Chunk chunk) = 0;
  // Sends what is held back. For a body whose next piece is not there yet.
  virtual base::Task<base::Result<void>> flush() = 0;
  // Ends the body. `trailers` only where the framing can carry them, else dropped.
  virtual base::Task<base::Result<void>> finish(const Fields& trailers) = 0;

  // Whether write_head was called.
  virtual bool answered() const = 0;
  // Breaks the exchange off so that the client sees a cut message: HTTP/1 closes the connection
  // with RST when a response had begun; HTTP/2 says why (RFC 9113 7): kCancelled is CANCEL,
  // kOverload ENHANCE_YOUR_CALM, all else INTERNAL_ERROR.
  virtual void reset(base::Code why) = 0;
};

// A request that we send to an upstream, and its response. Errors are kUpstream, with `retry` set:
// kReused as long as not one byte of an answer came on a connection that had been used before.
class ClientStream {
 public:
  virtual ~ClientStream() = default;

  // The head. Framing and Host are made from `head`; held back like ServerStream::write_head.
  virtual base::Task<base::Result<void>> send_head(const RequestHead& head) = 0;
  virtual base::Task<base::Result<void>> write(base::Chunk chunk) = 0;
  virtual base::Task<base::Result<void>> flush() = 0;
  virtual base::Task<base::Result<void>> finish(const Fields& trailers) = 0;

  // The next head: interim ones (1xx) come first, one a call, then the final one. May be awaited
  // while another task still writes the body.
  virtual base::Task<base::Result<ResponseHead>> read_head() = 0;
  // Next piece of the response body; empty at its end, after which trailers() is filled. A body
  // that is cut is an error, never an end.
  virtual base::Task<base::Result<base::Chunk>> read() = 0;
  // Whether read() would return without waiting.
  virtual bool ready() const = 0;
  virtual const Fields& trailers() const = 0;

  // Breaks the exchange off; the connection is not used again.
  virtual void reset() = 0;
};

}  // namespace gatehouse::http
