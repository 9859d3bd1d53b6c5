// A request and its answer over HTTP/2, our client and our server on the two ends of a socket pair:
// both halves, with their system calls, are in the figure.
#include <benchmark/benchmark.h>

#include "bench/micro/socket_ends.h"
#include "http/http2_client.h"
#include "http/http2_server.h"
#include "tests/base/on_loop.h"

namespace gatehouse::bench::http2_session_bench {
namespace {

base::Task<void> answer(std::unique_ptr<http::ServerStream> stream, base::Chunk body) {
  http::ResponseHead head;
  head.body = http::BodyKind::kLength;
  head.content_length = body.size();
  head.fields.add("content-type", "text/html");
  (void)co_await stream->write_head(head);
  (void)co_await stream->write(std::move(body));
  const http::Fields none;
  (void)co_await stream->finish(none);
}

base::Task<void> serve(base::Loop& loop, http::Http2Server& server) {
  const std::string text(1024, 'x');
  const auto body = base::Chunk::copy_of(base::as_bytes(text));
  base::Gate gate(loop);
  for (;;) {
    auto stream = co_await server.next();
    if (!stream || *stream == nullptr) break;
    gate.spawn(answer(std::move(*stream), body), "answer");
  }
  (void)co_await gate.close();
  co_await server.end();
}

// One exchange; whether it was whole.
base::Task<bool> ask(http::Http2Client& client, const http::RequestHead& head) {
  const auto stream = client.open();
  const http::Fields none;
  auto sent = co_await stream->send_head(head);
  if (sent) sent = co_await stream->finish(none);
  if (!sent) co_return false;
  const auto got = co_await stream->read_head();
  if (!got || got->status != 200) co_return false;
  std::size_t size = 0;
  for (;;) {
    const auto piece = co_await stream->read();
    if (!piece) co_return false;
    if (piece->empty()) co_return size == 1024;
    size += piece->size();
  }
}

base::Task<void> talk(benchmark::State& state, http::Http2Client& client, base::Event& changed) {
  while (!client.ready()) {
    changed.reset();
    (void)co_await changed.wait();
  }
  http::RequestHead head;
  head.method = "GET";
  head.target = "/shop/articles?page=2&sort=price";
  head.authority = "shop.example.com";
  head.fields.add("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101");
  head.fields.add("accept", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8");
  for (auto _ : state) {
    const bool whole = co_await ask(client, head);
    if (!whole) {
      state.SkipWithError("an exchange failed");
      break;
    }
  }
  client.close();
}

void exchange(benchmark::State& state) {
  base::Loop loop;
  const SocketEnds ends;
  http::Http2Options options;
  options.head = http::HeadLimits(64 * 1024, 500, 8192);
  http::Http2Client client(tls::Transport(base::Socket(loop, ends.near)), options);
  tls::Transport far(base::Socket(loop, ends.far));
  http::Http2Server server(far, options, base::Chunk());
  base::Event changed(loop);
  client.when_changed([](void* event) { static_cast<base::Event*>(event)->set(); }, &changed);
  base::Gate gate(loop);
  gate.spawn(client.run(), "client");
  gate.spawn(serve(loop, server), "server");
  base::run(loop, talk(state, client, changed));
  (void)base::run(loop, gate.close());
}
BENCHMARK(exchange)->Name("http2/exchange");

}  // namespace
}  // namespace gatehouse::bench::http2_session_bench
