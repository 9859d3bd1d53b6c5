// 1 MiB of a response from an upstream's stream to a client's, without protocols or sockets: what
// forwarding itself costs.
#include <benchmark/benchmark.h>

#include "proxy/forward.h"
#include "tests/base/on_loop.h"

namespace gatehouse::bench::relay_bench {
namespace {

constexpr std::size_t kBody = 1024 * 1024;

// Asks by GET, and takes whatever comes.
class Client final : public http::ServerStream {
 public:
  Client() { head_.method = "GET"; }

  const http::RequestHead& head() const override { return head_; }
  base::Task<base::Result<base::Chunk>> read() override { co_return base::Chunk(); }
  const http::Fields& trailers() const override { return none_; }
  bool request_ended() const override { return true; }
  void stop_reading() override {}
  void when_cancelled(void (*)(void*), void*) override {}
  base::Task<base::Result<void>> write_interim(const http::ResponseHead&) override {
    return http::nothing_to_do();
  }
  base::Task<base::Result<void>> write_head(const http::ResponseHead&) override {
    return http::nothing_to_do();
  }
  base::Task<base::Result<void>> write(base::Chunk chunk) override {
    taken += chunk.size();
    return http::nothing_to_do();
  }
  base::Task<base::Result<void>> flush() override { return http::nothing_to_do(); }
  base::Task<base::Result<void>> finish(const http::Fields&) override {
    return http::nothing_to_do();
  }
  bool answered() const override { return taken > 0; }
  void reset(base::Code) override {}

  std::size_t taken = 0;

 private:
  http::RequestHead head_;
  http::Fields none_;
};

// Answers with kBody bytes in pieces of `piece`.
class Upstream final : public http::ClientStream {
 public:
  explicit Upstream(base::Chunk piece) : piece_(std::move(piece)) {}

  base::Task<base::Result<void>> send_head(const http::RequestHead&) override {
    return http::nothing_to_do();
  }
  base::Task<base::Result<void>> write(base::Chunk) override { return http::nothing_to_do(); }
  base::Task<base::Result<void>> flush() override { return http::nothing_to_do(); }
  base::Task<base::Result<void>> finish(const http::Fields&) override {
    return http::nothing_to_do();
  }
  base::Task<base::Result<http::ResponseHead>> read_head() override {
    http::ResponseHead head;
    head.body = http::BodyKind::kLength;
    head.content_length = kBody;
    co_return head;
  }
  base::Task<base::Result<base::Chunk>> read() override {
    if (left_ == 0) co_return base::Chunk();
    left_ -= piece_.size();
    co_return piece_;
  }
  bool ready() const override { return true; }
  const http::Fields& trailers() const override { return none_; }
  void reset() override {}

 private:
  base::Chunk piece_;
  std::size_t left_ = kBody;
  http::Fields none_;
};

base::Task<void> forward(base::Loop& loop, benchmark::State& state) {
  const std::string bytes(static_cast<std::size_t>(state.range(0)), 'x');
  const auto piece = base::Chunk::copy_of(base::as_bytes(bytes));
  for (auto _ : state) {
    Client client;
    Upstream upstream(piece);
    proxy::Replay replay;
    proxy::Forward one(loop, client, upstream, replay, false, base::Duration(60'000));
    proxy::ForwardResult result;
    co_await one.run(client.head(), result);
    if (result.end != proxy::ForwardResult::End::kDone || client.taken != kBody) {
      state.SkipWithError("the body did not arrive");
    }
  }
  state.SetBytesProcessed(static_cast<std::int64_t>(state.iterations() * kBody));
}

void relay(benchmark::State& state) {
  base::Loop loop;
  base::run(loop, forward(loop, state));
}
BENCHMARK(relay)->Name("forward/1_MiB_in_pieces")->Arg(4096)->Arg(16384)->Arg(65536);

}  // namespace
}  // namespace gatehouse::bench::relay_bench
