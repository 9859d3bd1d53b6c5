#include "proxy/server.h"

#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <fstream>

#include "base/log.h"
#include "base/machine_memory.h"
#include "certs/internal_issuer.h"
#include "proxy/admin_access.h"
#include "proxy/run_to_end.h"
#include "proxy/shared_addresses.h"

namespace gatehouse::proxy {

namespace {

namespace log = base::log;

// Descriptors for upstreams, files and what else a connection may need beside its own.
constexpr std::uint64_t kReservedDescriptors = 64;
// Seconds for calls that nobody awaits any more, and for the logs' last lines.
constexpr unsigned kLastSeconds = 2;

// As many connections as descriptors allow when the configuration sets no bound: each may need one
// to an upstream.
std::uint64_t connection_bound(const config::Limits& limits) {
  rlimit files{};
  if (::getrlimit(RLIMIT_NOFILE, &files) != 0) return limits.connections;
  if (files.rlim_cur < files.rlim_max) {
    files.rlim_cur = files.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &files);
    ::getrlimit(RLIMIT_NOFILE, &files);
  }
  if (files.rlim_cur == RLIM_INFINITY) return limits.connections;
  const std::uint64_t most = std::max<std::uint64_t>(
      16, (files.rlim_cur - std::min<std::uint64_t>(files.rlim_cur, kReservedDescriptors)) / 2);
  return limits.connections == 0 ? most : std::min<std::uint64_t>(limits.connections, most);
}

std::uint64_t memory_bound(const config::Limits& limits) {
  return limits.memory ? *limits.memory : base::usable_memory();
}

std::string data_folder(const config::Config& config) {
  return config.storage.path.empty() ? config::default_data_folder() : config.storage.path;
}

base::Result<base::Endpoint> endpoint_of(const config::Address& address) {
  if (!address.unix_path.empty()) return base::Endpoint::from_unix(address.unix_path);
  if (address.host.empty()) return base::Endpoint::any(address.port);
  return base::Endpoint::from_ip(address.host, address.port);
}

// Ends the process in a while, whatever threads still do: neither a disk that hangs nor who takes
// no lines of the logs may keep it. For when what tasks wrote is written.
void end_soon(int status) {
  static volatile std::sig_atomic_t exit_status;
  exit_status = status;
  std::signal(SIGALRM, [](int) { ::_exit(exit_status); });
  ::alarm(kLastSeconds);
}

bool writes_json(const config::Log& log) {
  if (log.format != config::LogFormat::kAuto) return log.format == config::LogFormat::kJson;
  return ::isatty(STDERR_FILENO) == 0;
}

}  // namespace

std::size_t usable_cpus() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return 1;
  return std::max<std::size_t>(1, static_cast<std::size_t>(CPU_COUNT(&set)));
}

Server::Server(config::Config config)
    : snapshot_(std::make_shared<const Snapshot>(std::move(config))),
      storage_(loop_, blocking_, data_folder(snapshot_->config)),
      connections_(connection_bound(limits()), limits().connections_per_client.most,
                   exempt(limits().connections_per_client)),
      handshakes_(limits().handshakes, limits().handshakes_per_client.most,
                  exempt(limits().handshakes_per_client)),
      waiting_(limits().waiting_handshakes, 0),
      handshake_rate_(limits().handshakes_per_second.most, exempt(limits().handshakes_per_second)),
      memory_(memory_bound(limits())),
      memory_watch_(memory_, blocking_, connections_, workers_),
      stopping_(loop_),
      workers_stopped_(loop_) {}

std::vector<base::IpRange> Server::exempt(const config::PerClient& bound) const {
  return exempt_from(bound, snapshot_->config.trusted_proxies);
}

Server::~Server() {
  for (const auto& of_worker : listeners_) {
    for (const auto& one : of_worker) ::close(one.fd);  // those that no worker took
  }
}

// --- start ---

base::Result<void> Server::bind(const config::Address& address, bool tls) {
  auto endpoint = endpoint_of(address);
  if (!endpoint) return base::fail(std::move(endpoint.error()));
  // A Unix socket has one listener only: all workers accept on it.
  const bool shared = endpoint->is_ip();
  if (shared) {
    // Sharing a port is for our workers: another gatehouse on it must be found, not joined.
    auto alone = base::listen_on(*endpoint, false);
    if (!alone) return base::fail(std::move(alone.error()));
    ::close(*alone);
  }
  int first = -1;
  for (auto& of_worker : listeners_) {
    int fd = -1;
    if (shared || first < 0) {
      auto opened = base::listen_on(*endpoint, shared);
      if (!opened) return base::fail(std::move(opened.error()));
      fd = *opened;
    } else {
      fd = ::dup(first);
    }
    if (first < 0) first = fd;
    ListenerSocket listener;
    listener.fd = fd;
    listener.tls = tls;
    of_worker.push_back(listener);
  }
  lines_ += std::string("listening on ") + (tls ? "https " : "http ") + address.text() + "\n";
  return {};
}

base::Result<void> Server::bind_listeners() {
  const auto& config = snapshot_->config;
  const std::size_t count = config.workers != 0 ? config.workers : usable_cpus();
  listeners_.resize(count);
  for (const auto& address : config.listen.https) {
    if (auto bound = bind(address, true); !bound) return bound;
  }
  for (const auto& address : config.listen.http) {
    if (auto bound = bind(address, false); !bound) return bound;
  }
  return {};
}

base::Result<void> Server::prepare() {
  const auto& config = snapshot_->config;
  if (auto opened = storage_.open(); !opened) return opened;
  auto access_log = AccessLog::open(config.log.access, writes_json(config.log));
  if (!access_log) return base::fail(std::move(access_log.error()));
  access_log_ = std::move(*access_log);
  tls::ServerOptions options;
  options.alpn = {"h2", "http/1.1"};
  options.allow_tls12 = config.tls.allow_tls12;
  auto context = tls::ServerContext::make(std::move(options), tickets_);
  if (!context) return base::fail(std::move(context.error()));
  context_ = std::move(*context);
  auto upstream_contexts = UpstreamContexts::load(config);
  if (!upstream_contexts) return base::fail(std::move(upstream_contexts.error()));
  upstream_contexts_ = std::move(*upstream_contexts);
  auto client_auths = ClientAuths::load(config);
  if (!client_auths) return base::fail(std::move(client_auths.error()));
  client_auths_ = std::move(*client_auths);
  const certs::Automation::Parts parts{loop_,         blocking_,   resolver_, storage_,
                                       certificates_, challenges_, &abuse_};
  automation_ = std::make_unique<certs::Automation>(
      parts, std::shared_ptr<const config::Config>(snapshot_, &snapshot_->config));
  if (auto loaded = automation_->load_files(); !loaded) return loaded;
  if (auto bound = bind_listeners(); !bound) return bound;
  if (auto opened = open_admin(); !opened) return opened;
  std::signal(SIGPIPE, SIG_IGN);
  signals_.emplace(loop_, std::initializer_list<int>{SIGTERM, SIGINT, SIGHUP});
  return {};
}

// Nobody need know of admin to run gatehouse: who has not written an address does without.
base::Result<void> Server::open_admin() {
  const config::Admin& wanted = snapshot_->config.admin;
  if (!wanted.enabled) return {};
  const std::string address = wanted.listen.text();
  auto listener = listen_for_admin(wanted.listen);
  base::Result<std::string> token;
  if (listener) {
    base::Loop loop;
    storage::FileStorage storage(loop, blocking_, storage_.root());
    token = run_to_end(loop, make_admin_token(storage));
    if (!token) ::close(*listener);
  }
  if (!listener || !token) {
    base::Error error = listener ? std::move(token.error()) : std::move(listener.error());
    error.detail = "admin at " + address + ": " + error.detail;
    if (wanted.written) return base::fail(std::move(error));
    log::warn("serving without admin: set admin.listen to another address, or admin to false",
              {{"error", error.detail}});
    return {};
  }
  admin_ = std::make_unique<Admin>(loop_, *automation_, *listener, wanted.listen, *token);
  lines_ += "listening on admin " + address + "\n";
  if (!is_loopback_only(wanted.listen)) {
    log::warn("admin can be reached from other machines, and nothing hides its token on the way",
              {{"address", address}});
  }
  return {};
}

base::Result<void> Server::export_root(const std::string& file) {
  base::Result<std::string> pem;
  base::Loop loop;
  storage::FileStorage storage(loop, blocking_, storage_.root());
  const auto ask = [](base::Loop& on, base::BlockingPool& pool, storage::Storage& from,
                      base::Result<std::string>& out) -> base::Task<void> {
    out = co_await certs::internal_root_pem(on, pool, from);
    on.stop();
  };
  loop.spawn(ask(loop, blocking_, storage, pem), "read the internal root");
  loop.run();
  if (!pem) return base::fail(std::move(pem.error()));
  std::ofstream out(file, std::ios::trunc);
  out << *pem;
  out.close();
  if (!out) return base::fail(base::Code::kIo, "cannot write " + file);
  ::chmod(file.c_str(), 0644);  // no secret, whatever the umask
  return {};
}

std::string Server::listening_lines() const { return lines_; }

// --- running ---

void Server::run() {
  const Shared shared{resolver_,
                      *context_,
                      certificates_,
                      challenges_,
                      *automation_,
                      *access_log_,
                      abuse_,
                      connections_,
                      handshakes_,
                      waiting_,
                      handshake_rate_,
                      memory_,
                      upstream_contexts_.get(),
                      client_auths_.get(),
                      &workers_};
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    workers_.push_back(std::make_unique<Worker>(shared, snapshot_));
  }
  for (std::size_t i = 0; i < listeners_.size(); ++i) {
    workers_[i]->start(std::exchange(listeners_[i], {}));
  }
  if (sample_fd_ >= 0) {
    sample_ = std::make_unique<SampleUpstream>(loop_, sample_fd_);
    sample_->start();
  }
  if (admin_) admin_->start();
  loop_.spawn(control(), "control");
  loop_.run();
  join();
}

void Server::join() {
  for (auto& worker : workers_) worker->join();
  end_soon(0);
  blocking_.join();
  access_log_.reset();
  if (!resolver_.idle()) {
    // getaddrinfo cannot be ended, and a silent name server keeps it for half a minute. All else is
    // written and closed: nobody needs its answer.
    log::info("stopped without waiting for the name server");
    log::flush_and_stop();
    ::_exit(0);
  }
  resolver_.join();
}

base::Task<void> Server::control() {
  loop_.spawn(wait_for_signal(), "signals");
  loop_.spawn(rotate_tickets(), "rotate ticket keys");
  loop_.spawn(abuse_log_.run(loop_), "tell of abuse");
  if (memory_.limit() != 0) loop_.spawn(memory_watch_.run(loop_), "watch memory");
  auto started = co_await automation_->start();
  if (!started) {
    log::error("certificates cannot be managed", {{"error", started.error().detail}});
  }
  (void)co_await stopping_.wait();
  co_await stop();
  loop_.stop();
}

base::Task<void> Server::wait_for_signal() {
  for (;;) {
    const int came = co_await signals_->next();
    if (came == SIGHUP) {
      log::warn("SIGHUP is ignored: start gatehouse again to read a changed configuration");
      continue;
    }
    if (stopping_.is_set()) {
      log::warn("stopped at once by a second signal");
      end_soon(1);
      log::flush_and_stop();
      ::_exit(1);
    }
    log::info("stopping", {{"drain_ms", snapshot_->config.timeouts.drain.count()}});
    stopping_.set();
  }
}

base::Task<void> Server::rotate_tickets() {
  for (;;) {
    const auto next = base::Deadline::in(kTicketRotation);
    co_await base::sleep_until(loop_, next);
    tickets_.rotate();
  }
}

base::Task<void> Server::stop() {
  const auto deadline = base::Deadline::in(snapshot_->config.timeouts.drain);
  workers_running_ = workers_.size();
  for (auto& worker : workers_) {
    worker->begin_stop(deadline, [this] {
      loop_.post([this] {
        if (--workers_running_ == 0) workers_stopped_.set();
      });
    });
  }
  // Control goes on meanwhile: handshakes that wait may still get their certificates.
  (void)co_await workers_stopped_.wait();
  abuse_log_.tell();
  co_await automation_->stop(deadline);
  if (admin_) co_await admin_->stop();
  if (sample_) co_await sample_->stop();
}

}  // namespace gatehouse::proxy
