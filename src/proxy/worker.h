// One thread that serves: its loop, listeners, connections and upstream connections. Workers share
// only what Shared names.
#pragma once

#include <boost/intrusive/list.hpp>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "base/abuse_counters.h"
#include "base/gate.h"
#include "base/memory_budget.h"
#include "base/resolver.h"
#include "base/waiters.h"
#include "certs/automation.h"
#include "certs/challenge_store.h"
#include "http/idle_clients.h"
#include "proxy/access_log.h"
#include "proxy/admission.h"
#include "proxy/client_auths.h"
#include "proxy/exchange.h"
#include "proxy/handshake_rate.h"
#include "proxy/snapshot.h"
#include "proxy/upstreams.h"
#include "tls/certificate_store.h"
#include "tls/context.h"

namespace gatehouse::proxy {

class Connection;
class Worker;
using Workers = std::vector<std::unique_ptr<Worker>>;

// What all workers share; outlives them. Each part says itself how threads may use it.
struct Shared {
  base::Resolver& resolver;
  tls::ServerContext& tls;
  const tls::CertificateStore& certificates;
  const certs::ChallengeStore& challenges;
  certs::Automation& automation;
  AccessLog& access_log;
  base::AbuseCounters& abuse;
  Admission& connections;
  Admission& handshakes;
  Admission& waiting;  // handshakes that wait for a certificate
  HandshakeRate& handshake_rate;
  const base::MemoryBudget& memory;
  const UpstreamContexts* upstream_contexts = nullptr;  // null where no upstream is https
  const ClientAuths* client_auths = nullptr;            // null where no site has client_auth
  const Workers* workers = nullptr;  // all of them, once one has started; null for one alone
};

// What a worker listens on: an open descriptor and what is spoken there.
struct ListenerSocket {
  int fd = -1;
  bool tls = false;
};

class Worker {
 public:
  // So many connections of the process are looked at however short memory is: it may be something
  // else that fills it, and then the site has these.
  static constexpr std::uint64_t kAlwaysConnected = 64;

  // Certificates for one worker's waiting handshakes.
  using CertificateWaiters = base::Waiters<base::Result<tls::CertificateRef>>;

  Worker(Shared shared, SnapshotRef snapshot);
  // stop() has returned.
  ~Worker();

  // Takes the listening sockets and starts the thread.
  void start(std::vector<ListenerSocket> listeners);
  // From control's thread: stops accepting, lets what is in flight end until `deadline`, cuts the
  // rest, ends the thread. `stopped` is called on the worker's thread at the end.
  void begin_stop(base::Deadline deadline, std::function<void()> stopped);
  // From control's thread, now and then while memory is short, and once when it no longer is: gives
  // back what is kept for later; `end_idle` ends a part of the idle connections, oldest first.
  void save_memory(bool end_idle);
  // Waits for the thread, which must be ending.
  void join();

  // --- for connections, on the worker's thread ---
  base::Loop& loop() { return loop_; }
  const Shared& shared() const { return shared_; }
  const SnapshotRef& snapshot() const { return snapshot_; }
  Upstreams& upstreams() { return upstreams_; }
  CertificateWaiters& waiters() { return waiters_; }
  http::IdleClients& idle_clients() { return idle_clients_; }
  std::size_t& exchanges() { return exchanges_; }
  bool draining() const { return draining_; }

 private:
  friend class Connection;
  using Connections =
      boost::intrusive::list<Connection, boost::intrusive::constant_time_size<false>>;

  base::Task<void> accept_on(base::Socket& listener, bool tls);
  void take(base::Socket socket, const base::Endpoint& peer, bool tls);
  bool turns_away(const base::Endpoint& peer, bool proxied) const;
  void make_room();
  void end_overdue();
  void end_oldest_idle();
  base::Task<void> serve(std::unique_ptr<Connection> connection);
  base::Task<void> stop(base::Deadline deadline, std::function<void()> stopped);

  Shared shared_;
  SnapshotRef snapshot_;
  http::IdleClients idle_clients_;
  base::Loop loop_;
  Upstreams upstreams_;
  CertificateWaiters waiters_;
  base::Gate accepting_;
  base::Gate serving_;
  std::vector<std::unique_ptr<base::Socket>> listeners_;
  std::unique_ptr<Connections> connections_;
  std::size_t exchanges_ = 0;  // under way
  bool draining_ = false;
  std::thread thread_;
};

}  // namespace gatehouse::proxy
