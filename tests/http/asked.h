// An Http1Client on one end of a wire, a scripted upstream on the other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "http/http1_client.h"
#include "tests/http/wire.h"

namespace gatehouse::http {

// What an exchange gave.
struct Got {
  std::vector<ResponseHead> interim;
  ResponseHead head;
  std::string body;
  Fields trailers;
  std::optional<base::Error> error;  // of whichever step failed
  bool has_head = false;
};

inline RequestHead request_for(std::string_view method, std::string_view target = "/") {
  RequestHead head;
  head.method = method;
  head.target = target;
  head.authority = "upstream.test";
  return head;
}

class Asked {
 public:
  explicit Asked(base::Loop& loop, Http1ClientOptions options = Http1ClientOptions())
      : wire(loop), peer(wire.theirs), client(tls::Transport(std::move(wire.ours)), options) {}

  // Sends a request with `body` (framed as `head` says).
  base::Task<base::Result<void>> send(RequestHead head, std::string body) {
    auto sent = co_await client.send_head(head);
    const auto chunk = base::Chunk::copy_of(base::as_bytes(body));
    if (sent) sent = co_await client.write(chunk);
    const Fields none;
    if (sent) sent = co_await client.finish(none);
    co_return sent;
  }

  // Reads heads and body to their end, or to an error.
  base::Task<Got> receive() {
    Got got;
    while (true) {
      auto head = co_await client.read_head();
      if (!head) {
        got.error = head.error();
        co_return got;
      }
      if (head->status >= 200) {
        got.head = std::move(*head);
        got.has_head = true;
        break;
      }
      got.interim.push_back(std::move(*head));
    }
    while (true) {
      const auto piece = co_await client.read();
      if (!piece) {
        got.error = piece.error();
        co_return got;
      }
      if (piece->empty()) break;
      got.body += base::as_text(piece->bytes());
    }
    got.trailers = client.trailers();
    co_return got;
  }

  base::Task<Got> exchange(RequestHead head) {
    auto sent = co_await send(std::move(head), std::string());
    Got got;
    if (!sent) got.error = sent.error();
    if (sent) got = co_await receive();
    co_return got;
  }

  Wire wire;
  RawPeer peer;
  Http1Client client;
};

}  // namespace gatehouse::http
