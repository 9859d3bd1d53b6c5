// The bytes of a client that speaks HTTP/2: frames, HPACK, heads, bodies and how they end, while
// every request that comes of them is read to its end and answered. What the first byte says
// chooses whether the client preface stands before the rest, and whether answers come before bodies
// are read.
#include "http/http2_server.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/gate.h"

using namespace gatehouse::http;
namespace base = gatehouse::base;

namespace {

constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

void check(const RequestHead& head) {
  if (head.method.empty() || head.method == "TRACE" || head.method == "CONNECT") std::abort();
  if (head.target.empty() || (head.target[0] != '/' && head.target != "*")) std::abort();
  for (const auto* name : {"Host", "Content-Length", "Transfer-Encoding", "Connection"}) {
    if (head.fields.find(name)) std::abort();
  }
  for (const auto& field : head.fields) {
    if (field.name.empty() || field.name[0] == ':') std::abort();
    if (field.value.find_first_of(std::string_view("\r\n\0", 3)) != std::string::npos) std::abort();
  }
}

base::Task<void> read_all(ServerStream& stream) {
  for (;;) {
    const auto piece = co_await stream.read();
    if (!piece) co_return;
    if (piece->empty()) break;
  }
  if (!stream.request_ended()) std::abort();
  for (const auto& field : stream.trailers()) {
    if (field.name.empty() || field.name[0] == ':') std::abort();
  }
}

base::Task<void> answer(std::unique_ptr<ServerStream> stream, bool at_once) {
  check(stream->head());
  const bool tunnel = !stream->head().upgrade.empty();
  if (!at_once && !tunnel) co_await read_all(*stream);
  ResponseHead head;
  head.status = 103;
  (void)co_await stream->write_interim(head);
  head.status = tunnel ? 101 : 200;
  head.body = BodyKind::kChunked;
  (void)co_await stream->write_head(head);
  (void)co_await stream->write(base::Chunk::of_static("some bytes"));
  if (at_once || tunnel) co_await read_all(*stream);
  const Fields none;
  (void)co_await stream->finish(none);
}

base::Task<void> play(base::Loop& loop, int fd, bool at_once) {
  Http2Options options;
  options.head = HeadLimits{16 * 1024, 100, 0};
  options.body_bytes = 10'000;
  options.streams = 20;
  options.write_stall = base::Duration{50};  // nobody reads what we say
  gatehouse::tls::Transport transport(base::Socket(loop, fd));
  base::Gate gate(loop);
  Http2Server server(transport, options, base::Chunk());
  for (;;) {
    auto stream = co_await server.next();
    if (!stream || *stream == nullptr) break;
    gate.spawn(answer(std::move(*stream), at_once), "a request");
  }
  (void)co_await gate.close();
  co_await server.end();
  transport.close();
  loop.stop();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static base::Loop loop;
  if (size == 0 || size > 100'000) return 0;  // what the kernel takes at once
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    std::abort();
  }
  if ((data[0] & 1) != 0) (void)!::write(ends[1], kPreface.data(), kPreface.size());
  (void)!::write(ends[1], data + 1, size - 1);
  ::shutdown(ends[1], SHUT_WR);
  loop.spawn(play(loop, ends[0], (data[0] & 2) != 0), "a client's bytes");
  loop.run();
  ::close(ends[1]);
  return 0;
}
