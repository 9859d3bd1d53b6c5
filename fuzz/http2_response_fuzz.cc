// The bytes of an upstream that is spoken to in HTTP/2, while two exchanges wait for it: frames,
// HPACK, heads, bodies and how they end.
#include "http/http2_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <cstdlib>

#include "base/gate.h"

using namespace gatehouse::http;
namespace base = gatehouse::base;

namespace {

base::Task<void> exchange(std::unique_ptr<ClientStream> stream, bool tunnel) {
  RequestHead request;
  request.method = tunnel ? "GET" : "POST";
  request.target = "/";
  request.authority = "a";
  request.body = tunnel ? BodyKind::kNone : BodyKind::kChunked;
  if (tunnel) request.upgrade = "websocket";
  (void)co_await stream->send_head(request);
  const Fields none;
  (void)co_await stream->finish(none);
  unsigned interim = 0;
  for (;;) {
    const auto head = co_await stream->read_head();
    if (!head) co_return;
    if (head->status < 100 || head->status > 599) std::abort();
    if (head->status == 101 && !tunnel) std::abort();
    if (head->status >= 200 || head->status == 101) break;
    if (++interim > Http2ClientStream::kInterimHeads) std::abort();
  }
  for (;;) {
    const auto piece = co_await stream->read();
    if (!piece || piece->empty()) co_return;
  }
}

base::Task<void> play(base::Loop& loop, int fd, base::Gate& gate) {
  Http2Options options;
  options.head = HeadLimits{64 * 1024, 500, 0};
  Http2Client client(gatehouse::tls::Transport(base::Socket(loop, fd)), options);
  gate.spawn(exchange(client.open(), false), "a request");
  gate.spawn(exchange(client.open(), true), "a tunnel");
  co_await client.run();
  (void)co_await gate.close();
  loop.stop();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static base::Loop loop;
  if (size > 100'000) return 0;  // what the kernel takes at once
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    std::abort();
  }
  (void)!::write(ends[1], data, size);
  ::shutdown(ends[1], SHUT_WR);
  base::Gate gate(loop);
  loop.spawn(play(loop, ends[0], gate), "an upstream's bytes");
  loop.run();
  ::close(ends[1]);
  return 0;
}
