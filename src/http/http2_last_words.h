// Streams of an HTTP/2 server's connection that we break off while their heads or some of their
// bodies wait to leave: RST_STREAM would overtake that (RFC 9113 5.4.2). It leaves first, as far as
// the windows are open; none is waited for.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "http/http2_out_body.h"

namespace gatehouse::http {

class Http2LastWords {
 public:
  static constexpr std::size_t kMost = 1'000;  // streams at once, should nothing else limit them

  struct Reset {
    std::int32_t stream;
    std::uint32_t code;
  };

  // The head, if it has not left yet, and `most` bytes of `body` may leave before the reset. False
  // when there is no room.
  bool add(Reset reset, Http2OutBody body, std::size_t most);
  // How many bytes of that stream may leave, `most` at most; 0 also when it is none of these.
  std::size_t offer(std::int32_t stream, std::size_t most) const;
  // As many of them leave, or with 0 the head. The reset, when nothing is left: the stream is
  // forgotten.
  std::optional<Reset> take(std::int32_t stream, std::size_t size, Http2Output& out);
  // Forgets a stream, which need not be here.
  void remove(std::int32_t stream);
  // Forgets any one, whatever it had to say.
  std::optional<Reset> cut_short();

  std::size_t size() const { return streams_.size(); }

 private:
  struct Stream {
    Reset reset;
    Http2OutBody body;
    std::size_t left;
  };
  std::vector<Stream> streams_;
};

}  // namespace gatehouse::http
