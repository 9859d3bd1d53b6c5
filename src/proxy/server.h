// The process: control's loop, the workers, what they share, and the order in which all of that
// starts and stops.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/loop.h"
#include "base/memory_budget.h"
#include "base/resolver.h"
#include "base/signals.h"
#include "certs/automation.h"
#include "certs/challenge_store.h"
#include "config/model.h"
#include "proxy/abuse_log.h"
#include "proxy/access_log.h"
#include "proxy/admin.h"
#include "proxy/admission.h"
#include "proxy/handshake_rate.h"
#include "proxy/memory_watch.h"
#include "proxy/sample_upstream.h"
#include "proxy/snapshot.h"
#include "proxy/worker.h"
#include "storage/file_storage.h"
#include "tls/certificate_store.h"
#include "tls/context.h"
#include "tls/session_tickets.h"

namespace gatehouse::proxy {

class Server {
 public:
  static constexpr std::size_t kBlockingThreads = 2;
  static constexpr base::Duration kTicketRotation{12 * 3'600'000};

  explicit Server(config::Config config);
  ~Server();

  // Serves the sample upstream on this listening socket too.
  void with_sample(int listener_fd) { sample_fd_ = listener_fd; }
  // Opens storage, reads certificates, binds every listener, and takes signals from then on. Errors
  // name what and where; nothing runs then.
  base::Result<void> prepare();
  // Writes the internal CA's root to `file` (0644), for people who try it. After prepare().
  base::Result<void> export_root(const std::string& file);
  // One line a listener, for standard output.
  std::string listening_lines() const;
  // Serves until SIGTERM or SIGINT, then stops: a second signal stops at once. Returns when all
  // has ended. The process ends two seconds after the last task at the latest, though the disk
  // hangs or nobody takes the logs' lines.
  void run();

 private:
  const config::Limits& limits() const { return snapshot_->config.limits; }
  std::vector<base::IpRange> exempt(const config::PerClient& bound) const;
  base::Result<void> bind_listeners();
  base::Result<void> bind(const config::Address& address, bool tls);
  base::Result<void> open_admin();
  base::Task<void> control();
  base::Task<void> wait_for_signal();
  base::Task<void> rotate_tickets();
  base::Task<void> stop();
  void join();

  SnapshotRef snapshot_;
  // In this order: what tasks use stands before the loop that they die with, at the latest.
  base::Resolver resolver_;
  base::BlockingPool blocking_{kBlockingThreads};
  storage::FileStorage storage_;
  tls::CertificateStore certificates_;
  certs::ChallengeStore challenges_;
  tls::SessionTickets tickets_;
  std::unique_ptr<tls::ServerContext> context_;
  std::unique_ptr<UpstreamContexts> upstream_contexts_;
  std::unique_ptr<const ClientAuths> client_auths_;
  std::unique_ptr<AccessLog> access_log_;
  base::AbuseCounters abuse_;
  AbuseLog abuse_log_{abuse_};
  Admission connections_;
  Admission handshakes_;
  Admission waiting_;
  HandshakeRate handshake_rate_;
  base::MemoryBudget memory_;
  std::unique_ptr<Admin> admin_;  // null when it is turned off
  base::Loop loop_;
  Workers workers_;
  MemoryWatch memory_watch_;
  std::unique_ptr<certs::Automation> automation_;
  std::unique_ptr<SampleUpstream> sample_;
  std::optional<base::Signals> signals_;
  base::Event stopping_;
  base::Event workers_stopped_;
  std::size_t workers_running_ = 0;

  std::vector<std::vector<ListenerSocket>> listeners_;  // of each worker
  std::string lines_;
  int sample_fd_ = -1;
};

// How many CPUs this process may use.
std::size_t usable_cpus();

}  // namespace gatehouse::proxy
