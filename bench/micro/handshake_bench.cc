// TLS 1.3 handshakes: our Transport on one end of a socket pair, a plain BoringSSL client on the
// other. Only the server's half is timed: ClientHello, its suspension, the choice, the handshake.
#include <benchmark/benchmark.h>
#include <openssl/ssl.h>

#include <chrono>
#include <optional>
#include <utility>

#include "bench/micro/socket_ends.h"
#include "tests/tls/test_ca.h"
#include "tls/context.h"
#include "tls/session_tickets.h"
#include "tls/transport.h"

namespace gatehouse::bench::handshake_bench {
namespace {

class Handshakes {
 public:
  Handshakes() : client_(SSL_CTX_new(TLS_method())) {
    SSL_CTX_set1_curves_list(client_.get(), "X25519");
    SSL_CTX_set_session_cache_mode(client_.get(), SSL_SESS_CACHE_CLIENT);
    SSL_CTX_set_app_data(client_.get(), this);
    SSL_CTX_sess_set_new_cb(client_.get(), [](SSL* ssl, SSL_SESSION* session) {
      static_cast<Handshakes*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)))->session_.reset(session);
      return 1;
    });
  }

  // One handshake; the seconds that the server's side of it took, or nothing when it failed.
  std::optional<double> run(bool resume) {
    const SocketEnds ends;
    bssl::UniquePtr<SSL> client(SSL_new(client_.get()));
    SSL_set_fd(client.get(), ends.far);
    SSL_set_connect_state(client.get());
    SSL_set_tlsext_host_name(client.get(), "a.example");
    if (resume && session_) SSL_set_session(client.get(), session_.get());

    done_ = false;
    double seconds = 0;
    std::optional<tls::Transport> server;
    timed(seconds, [&] {
      server.emplace(base::Socket(loop_, ends.near));
      loop_.spawn(serve(*server), "server");
    });
    for (int turn = 0; turn < 8 && !(done_ && SSL_is_init_finished(client.get())); ++turn) {
      (void)SSL_do_handshake(client.get());
      timed(seconds, [&] { poll(); });
    }
    char byte;
    (void)SSL_read(client.get(), &byte, 1);  // the tickets
    const bool good = done_ && server->resumed() == resume;
    timed(seconds, [&] {
      server->close();
      server.reset();
      poll();
    });
    client.reset();
    ::close(ends.far);
    return good ? std::optional(seconds) : std::nullopt;
  }

 private:
  template <class F>
  static void timed(double& seconds, F step) {
    const auto began = std::chrono::steady_clock::now();
    step();
    seconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  }

  // Lets the server do all that it can.
  void poll() {
    while (loop_.poll() > 0) {
    }
  }

  base::Task<void> serve(tls::Transport& server) {
    const auto hello = co_await server.client_hello(*context_, base::Deadline::never());
    if (!hello) co_return;
    const auto shaken = co_await server.handshake(certificate_, false, base::Deadline::never());
    // BoringSSL sends tickets with the first bytes that are written.
    const base::Bytes byte = base::as_bytes(".");
    const std::span<const base::Bytes> pieces(&byte, 1);
    if (!shaken) co_return;
    const auto written = co_await server.write(pieces, base::Deadline::never());
    done_ = written.has_value();
  }

  base::Loop loop_;
  tls::TestCa ca_;
  tls::CertificateRef certificate_ = ca_.certificate({"a.example"});
  tls::SessionTickets tickets_;
  std::unique_ptr<tls::ServerContext> context_ =
      tls::ServerContext::make(tls::ServerOptions(), tickets_).value();
  bool done_ = false;
  bssl::UniquePtr<SSL_CTX> client_;
  bssl::UniquePtr<SSL_SESSION> session_;  // the last that the server gave out
};

void handshake(benchmark::State& state, bool resume) {
  Handshakes handshakes;
  if (!handshakes.run(false)) state.SkipWithError("the handshake failed");
  for (auto _ : state) {
    const auto took = handshakes.run(resume);
    if (!took) {
      state.SkipWithError("a handshake is not as it should be");
      break;
    }
    state.SetIterationTime(*took);
  }
}
BENCHMARK_CAPTURE(handshake, full, false)->Name("tls/handshake_full")->UseManualTime();
BENCHMARK_CAPTURE(handshake, resumed, true)->Name("tls/handshake_resumed")->UseManualTime();

}  // namespace
}  // namespace gatehouse::bench::handshake_bench
