// A connection served by Http1Server, with a record of what reached the handler.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/event.h"
#include "http/http1_server.h"
#include "tests/http/wire.h"

namespace gatehouse::http {

// What the handler of a request saw.
struct Seen {
  RequestHead head;
  std::string body;
  Fields trailers;
  std::optional<base::Error> error;  // that read() gave
};

class Served;
using Handler = base::Task<void> (*)(ServerStream& stream, Served& served);

// Reads the whole body into the record. False when it broke off.
inline base::Task<bool> record(ServerStream& stream, Served& served);
// Records, then answers 200 with "ok", or the status that the body's error asks for.
inline base::Task<void> answer_ok(ServerStream& stream, Served& served);

inline base::Task<void> answer(ServerStream& stream, std::uint16_t status, std::string body) {
  ResponseHead head;
  head.status = status;
  head.body = BodyKind::kLength;
  head.content_length = body.size();
  (void)co_await stream.write_head(head);
  const auto chunk = base::Chunk::copy_of(base::as_bytes(body));
  (void)co_await stream.write(chunk);
  const Fields none;
  (void)co_await stream.finish(none);
}

class Served {
 public:
  Served(base::Loop& loop, Http1ServerOptions options = Http1ServerOptions(),
         Handler handler = answer_ok)
      : wire(loop),
        transport(std::move(wire.ours)),
        server(transport, options),
        peer(wire.theirs),
        over(loop),
        handler_(handler) {
    loop.spawn(serve(), "served connection");
  }

  Wire wire;
  tls::Transport transport;
  Http1Server server;
  RawPeer peer;
  std::vector<Seen> seen;
  std::optional<base::Error> error;  // that ended the connection
  base::Event over;                  // set when it has ended and is closed

 private:
  base::Task<void> serve() {
    while (true) {
      auto next = co_await server.next();
      if (!next) error = next.error();
      if (!next || *next == nullptr) break;
      co_await handler_(**next, *this);
    }
    transport.close();
    over.set();
  }

  Handler handler_;
};

inline base::Task<bool> record(ServerStream& stream, Served& served) {
  served.seen.emplace_back();
  served.seen.back().head = stream.head();
  while (true) {
    const auto piece = co_await stream.read();
    auto& seen = served.seen.back();
    if (!piece) {
      seen.error = piece.error();
      co_return false;
    }
    if (piece->empty()) {
      seen.trailers = stream.trailers();
      co_return true;
    }
    seen.body += base::as_text(piece->bytes());
  }
}

inline base::Task<void> answer_ok(ServerStream& stream, Served& served) {
  const bool whole = co_await record(stream, served);
  if (whole) {
    co_await answer(stream, 200, "ok");
    co_return;
  }
  switch (served.seen.back().error->code) {
    case base::Code::kMalformed: co_await answer(stream, 400, "bad body"); break;
    case base::Code::kTooLarge: co_await answer(stream, 413, "too large"); break;
    default: stream.reset(base::Code::kClosed); break;
  }
}

// Says `input` (byte by byte when `slowly`), ends, and returns all that was answered once the
// connection is over.
inline base::Task<std::string> converse(Served& served, std::string input, bool slowly) {
  if (slowly) {
    co_await served.peer.say_slowly(std::move(input), served.transport.socket(), served.over);
  } else {
    co_await served.peer.say(std::move(input));
  }
  served.peer.end();
  auto heard = co_await served.peer.hear_all();
  (void)co_await served.over.wait();
  co_return heard;
}

// Answers without a look at the body.
inline base::Task<void> answer_unread(ServerStream& stream, Served& served) {
  served.seen.emplace_back();
  served.seen.back().head = stream.head();
  co_await answer(stream, 200, "unread");
}

}  // namespace gatehouse::http
