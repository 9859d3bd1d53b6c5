// Real workers, each on its own thread, between a control loop with the certificates of a scripted
// CA and clients of the test's thread.
#pragma once

#include <gtest/gtest.h>

#include <future>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "proxy/shared_addresses.h"
#include "proxy/worker.h"
#include "tests/certs/fake_issuer.h"
#include "tests/certs/memory_storage.h"
#include "tests/http/wire.h"
#include "tests/proxy/stage.h"
#include "tests/tls/raw_client.h"
#include "tls/session_tickets.h"

namespace gatehouse::proxy {

// A blocking connection to 127.0.0.1:`port`.
inline int connect_to(std::uint16_t port) {
  const auto to = *base::Endpoint::from_ip("127.0.0.1", port);
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  EXPECT_EQ(::connect(fd, to.address(), to.length()), 0);
  const timeval patience{30, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  return fd;
}

// A plain client on a blocking socket.
class PlainClient {
 public:
  explicit PlainClient(std::uint16_t port) : fd_(connect_to(port)) {}
  ~PlainClient() { close(); }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  void say(std::string_view text) { ::send(fd_, text.data(), text.size(), MSG_NOSIGNAL); }
  // A response with Content-Length, or what there was of it.
  std::string hear() {
    std::string text;
    while (!whole(text) && more(text)) {
    }
    return text;
  }
  std::string hear_all() {
    std::string text;
    while (more(text)) {
    }
    return text;
  }
  bool was_reset() const { return was_reset_; }

 private:
  static bool whole(const std::string& text) {
    const auto length = field_of(text, "Content-Length");
    const auto head = text.find("\r\n\r\n");
    return head != std::string::npos &&
           text.size() >= head + 4 + (length.empty() ? 0 : std::stoul(length));
  }
  bool more(std::string& text) {
    char bytes[4096];
    const auto got = ::recv(fd_, bytes, sizeof bytes, 0);
    was_reset_ = got < 0 && errno == ECONNRESET;
    if (got > 0) text.append(bytes, static_cast<std::size_t>(got));
    return got > 0;
  }
  int fd_;
  bool was_reset_ = false;
};

// Of several workers the clients choose one by its port: `http_port` and `https_port` are the
// first's, `last_http_port` the last's.
class WorkerHouse {
 public:
  static constexpr std::uint64_t kMemory = 1000;

  explicit WorkerHouse(config::Config config, std::size_t count = 1)
      : snapshot(std::make_shared<const Snapshot>(std::move(config))),
        storage(control),
        ca(control),
        context(tls::ServerContext::make(tls::ServerOptions(), tickets).value()),
        access_log(AccessLog::open(snapshot->config.log.access, false).value()),
        connections(snapshot->config.limits.connections,
                    snapshot->config.limits.connections_per_client.most,
                    exempt_from(snapshot->config.limits.connections_per_client,
                                snapshot->config.trusted_proxies)),
        handshakes(snapshot->config.limits.handshakes, 0),
        waiting(snapshot->config.limits.waiting_handshakes, 0),
        handshake_rate(snapshot->config.limits.handshakes_per_second.most,
                       exempt_from(snapshot->config.limits.handshakes_per_second,
                                   snapshot->config.trusted_proxies)) {
    certs::Automation::Replacements replacements;
    replacements.now = &base::wall_now;
    replacements.issuer = [this](const config::Issuer&) -> std::unique_ptr<certs::Issuer> {
      return std::make_unique<certs::FakeIssuer>(ca, "fake", &base::wall_now);
    };
    const certs::Automation::Parts parts{control, blocking,     resolver,
                                         storage, certificates, challenges};
    automation = std::make_unique<certs::Automation>(
        parts, std::shared_ptr<const config::Config>(snapshot, &snapshot->config),
        std::move(replacements));
    thread = std::thread([this] { control.run(); });
    on_control(start_automation(*automation));
    const Shared shared{resolver,       *context, certificates, challenges, *automation,
                        *access_log,    abuse,    connections,  handshakes, waiting,
                        handshake_rate, memory,   nullptr,      nullptr,    &workers};
    for (std::size_t i = 0; i < count; ++i) {
      workers.push_back(std::make_unique<Worker>(shared, snapshot));
    }
    for (auto& worker : workers) start(*worker);
  }
  ~WorkerHouse() {
    stop(base::Duration(10'000));
    on_control(stop_automation(*automation));
    control.stop();
    thread.join();
    EXPECT_EQ(base::thrown_tasks(), 0u);
  }

  void begin_stop(base::Duration drain) {
    stopped = std::vector<std::promise<void>>(workers.size());
    for (std::size_t i = 0; i < workers.size(); ++i) {
      workers[i]->begin_stop(base::Deadline::in(drain), [this, i] { stopped[i].set_value(); });
    }
  }
  void stop(base::Duration drain) {
    if (stopped.empty()) begin_stop(drain);
    if (joined) return;
    for (auto& one : stopped) one.get_future().get();
    for (auto& worker : workers) worker->join();
    joined = true;  // they live on: what control still owes handshakes is posted to their loops
  }
  // Runs `task` on control's thread, to its end.
  void on_control(base::Task<void> task) {
    std::promise<void> over;
    control.post([&] {
      control.spawn(
          std::move(task), "a test",
          [](void* ended) { static_cast<std::promise<void>*>(ended)->set_value(); }, &over);
    });
    over.get_future().get();
  }
  tls::RawClient secure_client(std::string name, tls::RawOptions options = {}) const {
    options.name = std::move(name);
    return tls::RawClient(connect_to(https_port), options);
  }

  base::Loop control;
  SnapshotRef snapshot;
  base::Resolver resolver;
  base::BlockingPool blocking{1};
  certs::MemoryStorage storage;
  certs::FakeCa ca;
  tls::CertificateStore certificates;
  certs::ChallengeStore challenges;
  tls::SessionTickets tickets;
  std::unique_ptr<tls::ServerContext> context;
  std::unique_ptr<AccessLog> access_log;
  base::AbuseCounters abuse;
  Admission connections;
  Admission handshakes;
  Admission waiting;
  HandshakeRate handshake_rate;
  base::MemoryBudget memory{kMemory};  // nothing is used but what a test notes
  std::unique_ptr<certs::Automation> automation;
  Workers workers;
  std::thread thread;
  std::vector<std::promise<void>> stopped;  // of each worker, once they are to stop
  bool joined = false;
  std::uint16_t http_port = 0;
  std::uint16_t last_http_port = 0;
  std::uint16_t https_port = 0;

 private:
  void start(Worker& worker) {
    ListenerSocket plain;
    plain.fd = http::listen_on_loopback();
    ListenerSocket secure;
    secure.fd = http::listen_on_loopback();
    secure.tls = true;
    last_http_port = http::port_of(plain.fd);
    if (http_port == 0) {
      http_port = last_http_port;
      https_port = http::port_of(secure.fd);
    }
    worker.start({plain, secure});
  }
  static base::Task<void> start_automation(certs::Automation& automation) {
    auto started = co_await automation.start();
    EXPECT_TRUE(started);
  }
  static base::Task<void> stop_automation(certs::Automation& automation) {
    const auto deadline = base::Deadline::in(base::Duration(10'000));
    co_await automation.stop(deadline);
  }
};

}  // namespace gatehouse::proxy
