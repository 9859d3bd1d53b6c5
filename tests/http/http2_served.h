// An Http2Server on one end of a wire, and on the other a client that makes its frames by hand,
// right or wrong (RFC 9113 4.1).
#pragma once

#include <nghttp2/nghttp2.h>

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <gtest/gtest.h>

#include "base/gate.h"
#include "http/http2_server.h"
#include "tests/http/served.h"
#include "tests/http/wire.h"

namespace gatehouse::http {

struct HeardFrame {
  static constexpr std::uint8_t kEnd = 0xff;  // of the connection

  std::uint8_t type = kEnd;
  std::uint8_t flags = 0;
  std::int32_t stream = 0;
  std::string payload;
  std::string status;  // of HEADERS

  bool ends() const { return (flags & NGHTTP2_FLAG_END_STREAM) != 0; }
  // The code of RST_STREAM, the increment of WINDOW_UPDATE, GOAWAY's last stream; at 4, its code.
  std::uint32_t number(std::size_t at = 0) const {
    std::uint32_t number = 0;
    for (std::size_t i = 0; i < 4; ++i) {
      number = number << 8 | static_cast<std::uint8_t>(payload.at(at + i));
    }
    return number;
  }
};

inline std::string number_text(std::uint32_t number) {
  std::string text;
  for (int shift = 24; shift >= 0; shift -= 8) text += static_cast<char>(number >> shift);
  return text;
}

inline std::string frame_text(int type, int flags, std::int32_t stream, std::string_view payload) {
  auto text = number_text(static_cast<std::uint32_t>(payload.size())).substr(1);
  text += static_cast<char>(type);
  text += static_cast<char>(flags);
  text += number_text(static_cast<std::uint32_t>(stream));
  text += payload;
  return text;
}

using FieldList = std::vector<std::pair<std::string, std::string>>;

// As literals that no table keeps (RFC 7541 6.2.2); each shorter than 127 bytes.
inline std::string block_text(const FieldList& fields) {
  std::string block;
  for (const auto& [name, value] : fields) {
    block += '\0';
    block += static_cast<char>(name.size());
    block += name;
    block += static_cast<char>(value.size());
    block += value;
  }
  return block;
}

inline std::string head_text(std::int32_t stream, const FieldList& fields, bool ends) {
  const int flags = NGHTTP2_FLAG_END_HEADERS | (ends ? NGHTTP2_FLAG_END_STREAM : 0);
  return frame_text(NGHTTP2_HEADERS, flags, stream, block_text(fields));
}

inline FieldList request_list(std::string method, std::string path, const FieldList& more = {}) {
  FieldList list = {{":method", std::move(method)},
                    {":scheme", "http"},
                    {":authority", "a.test"},
                    {":path", std::move(path)}};
  list.insert(list.end(), more.begin(), more.end());
  return list;
}

inline std::string get_text(std::int32_t stream, std::string path = "/") {
  return head_text(stream, request_list("GET", std::move(path)), true);
}

// A POST whose body is still to come.
inline std::string post_text(std::int32_t stream, const FieldList& more = {},
                             std::string path = "/") {
  return head_text(stream, request_list("POST", std::move(path), more), false);
}

inline std::string data_text(std::int32_t stream, std::string_view body, bool ends) {
  return frame_text(NGHTTP2_DATA, ends ? NGHTTP2_FLAG_END_STREAM : 0, stream, body);
}

inline std::string reset_text(std::int32_t stream) {
  return frame_text(NGHTTP2_RST_STREAM, 0, stream, number_text(NGHTTP2_CANCEL));
}

class FramePeer {
 public:
  explicit FramePeer(base::Socket& socket) : raw_(socket) { nghttp2_hd_inflate_new(&inflater_); }
  ~FramePeer() { nghttp2_hd_inflate_del(inflater_); }
  FramePeer(const FramePeer&) = delete;
  FramePeer& operator=(const FramePeer&) = delete;

  base::Task<void> say(std::string text) { return raw_.say(std::move(text)); }

  // Acknowledges SETTINGS by itself.
  base::Task<HeardFrame> next() {
    HeardFrame frame;
    const auto head = co_await raw_.hear_bytes(9);
    if (head.size() < 9) co_return frame;
    frame.type = static_cast<std::uint8_t>(head[3]);
    frame.flags = static_cast<std::uint8_t>(head[4]);
    frame.payload = head.substr(5);
    frame.stream = static_cast<std::int32_t>(frame.number());
    frame.payload = '\0' + head.substr(0, 3);
    frame.payload = co_await raw_.hear_bytes(frame.number());
    if (frame.type == NGHTTP2_HEADERS) frame.status = status_of(frame.payload);
    if (frame.type == NGHTTP2_SETTINGS && frame.flags == 0) {
      co_await raw_.say(frame_text(NGHTTP2_SETTINGS, NGHTTP2_FLAG_ACK, 0, ""));
    }
    co_return frame;
  }
  // The next one of that type, on that stream unless it is -1; or kEnd.
  base::Task<HeardFrame> until(std::uint8_t type, std::int32_t stream) {
    for (;;) {
      auto frame = co_await next();
      const bool here = stream < 0 || frame.stream == stream;
      const bool found = frame.type == type && here;
      if (found || frame.type == HeardFrame::kEnd) co_return frame;
    }
  }

 private:
  std::string status_of(std::string& block) {
    std::string status;
    auto* bytes = reinterpret_cast<std::uint8_t*>(block.data());
    auto left = block.size();
    for (int flags = 0; (flags & NGHTTP2_HD_INFLATE_FINAL) == 0;) {
      nghttp2_nv field{};
      const auto used = nghttp2_hd_inflate_hd2(inflater_, &field, &flags, bytes, left, 1);
      if (used < 0) return "no HPACK";
      bytes += used;
      left -= static_cast<std::size_t>(used);
      if ((flags & NGHTTP2_HD_INFLATE_EMIT) == 0) continue;
      if (base::as_text(base::Bytes(field.name, field.namelen)) != ":status") continue;
      status = base::as_text(base::Bytes(field.value, field.valuelen));
    }
    nghttp2_hd_inflate_end_headers(inflater_);
    return status;
  }

  RawPeer raw_;
  nghttp2_hd_inflater* inflater_ = nullptr;
};

// Serves requests by their paths: /unread is answered at once, whatever comes; /cut breaks off
// after kHalf bytes of its answer; /endless answers without end, piece by piece; all others read
// the body and say how long it was, /hold after it has waited for `release`.
class Http2Served {
 public:
  explicit Http2Served(base::Loop& on, const Http2Options& options = Http2Options())
      : release(on),
        wire(on),
        transport(std::move(wire.ours)),
        server(transport, options, base::Chunk()),
        peer(wire.theirs),
        loop_(on),
        over_(on),
        gate_(on) {
    on.spawn(serve(), "served connection");
    say("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame_text(NGHTTP2_SETTINGS, 0, 0, ""));
  }
  ~Http2Served() {
    release.set();
    wire.theirs.close();
    wait_for_end();
  }

  // These run the loop until they are done.
  void say(std::string text) { run_task(loop_, peer.say(std::move(text))); }
  HeardFrame next() { return run_task(loop_, peer.next()); }
  HeardFrame hear(std::uint8_t type, std::int32_t stream = -1) {
    return run_task(loop_, peer.until(type, stream));
  }
  // All before it has been read when this returns: what came meanwhile.
  std::vector<HeardFrame> ping() {
    say(frame_text(NGHTTP2_PING, 0, 0, "01234567"));
    std::vector<HeardFrame> heard;
    do {
      heard.push_back(next());
    } while (heard.back().type != NGHTTP2_PING && heard.back().type != HeardFrame::kEnd);
    EXPECT_EQ(heard.back().payload, "01234567");
    return heard;
  }
  void wait_for_end() { run_task(loop_, until_over()); }

  static constexpr std::size_t kHalf = 40'000;
  static constexpr std::size_t kPiece = 16 * 1024;

  std::vector<RequestHead> seen;
  std::vector<base::Error> cut;      // of bodies that were
  std::size_t written = 0;           // of endless answers
  std::optional<base::Error> error;  // that ended the connection
  base::Event release;
  Wire wire;
  tls::Transport transport;
  Http2Server server;
  FramePeer peer;

 private:
  base::Task<void> until_over() { (void)co_await over_.wait(); }

  base::Task<void> serve() {
    for (;;) {
      auto next = co_await server.next();
      if (!next) error = next.error();
      if (!next || *next == nullptr) break;
      gate_.spawn(exchange(std::move(*next)), "exchange");
    }
    (void)co_await gate_.close();
    co_await server.end();
    transport.close();
    over_.set();
  }

  base::Task<void> cut_short(ServerStream& stream) {
    ResponseHead head;
    head.status = 200;
    head.body = BodyKind::kChunked;
    (void)co_await stream.write_head(head);
    const auto half = base::Chunk::copy_of(base::as_bytes(std::string(kHalf, 'x')));
    (void)co_await stream.write(half);
    stream.reset(base::Code::kReset);
  }

  base::Task<void> go_on_for_ever(ServerStream& stream) {
    ResponseHead head;
    head.body = BodyKind::kChunked;
    (void)co_await stream.write_head(head);
    const auto piece = base::Chunk::copy_of(base::as_bytes(std::string(kPiece, 'x')));
    for (;;) {
      written += piece.size();
      const auto taken = co_await stream.write(piece);
      if (!taken) break;
    }
  }

  base::Task<void> exchange(std::unique_ptr<ServerStream> stream) {
    seen.push_back(stream->head());
    if (stream->head().target == "/endless") {
      co_await go_on_for_ever(*stream);
      co_return;
    }
    if (stream->head().target == "/unread") {
      co_await answer(*stream, 200, "unread");
      co_return;
    }
    if (stream->head().target == "/cut") {
      co_await cut_short(*stream);
      co_return;
    }
    if (stream->head().target == "/hold") (void)co_await release.wait();
    std::size_t size = 0;
    for (;;) {
      const auto piece = co_await stream->read();
      if (!piece) {
        cut.push_back(piece.error());
        const bool too_large = piece.error().code == base::Code::kTooLarge;
        if (too_large) co_await answer(*stream, 413, "");
        co_return;
      }
      if (piece->empty()) break;
      size += piece->size();
    }
    co_await answer(*stream, 200, std::to_string(size) + " bytes");
  }

  base::Loop& loop_;
  base::Event over_;
  base::Gate gate_;
};

}  // namespace gatehouse::http
