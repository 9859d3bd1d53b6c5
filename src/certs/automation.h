// Certificates that look after themselves: obtained at start for named sites, at the first
// handshake for names on demand, renewed by timer. Lives on control's loop; workers ask `request`
// from their own threads and are answered on their own loop.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "base/abuse_counters.h"
#include "base/blocking_pool.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/loop.h"
#include "base/resolver.h"
#include "certs/challenge_store.h"
#include "certs/status.h"
#include "config/model.h"
#include "storage/storage.h"
#include "tls/certificate_store.h"

namespace gatehouse::certs {

class Issuer;

class Automation {
 public:
  // What it works with; all outlive it, and the tasks that are left on the loop when stop() reached
  // its deadline.
  struct Parts {
    base::Loop& loop;  // control's
    base::BlockingPool& blocking;
    base::Resolver& resolver;
    storage::Storage& storage;
    tls::CertificateStore& certificates;
    ChallengeStore& challenges;
    base::AbuseCounters* abuse = nullptr;  // may be null
  };
  // What a test puts in place of the real thing; null and 0: the real thing.
  struct Replacements {
    std::function<std::unique_ptr<Issuer>(const config::Issuer&)> issuer;
    std::function<base::WallTime()> now;
    base::Duration look_every{0};  // at what others change in storage
  };

  // An application that is asked about a name has this long, or the handshake's wait if shorter.
  static constexpr base::Duration kAskTimeout{5'000};
  // What stop() grants to writes under way even when its deadline has passed already.
  static constexpr base::Duration kLastWrites{500};
  // What stop() grants to hooks that have something to be told yet, within its deadline.
  static constexpr base::Duration kLastWords{5'000};

  // The configuration is kept, not copied: with thousands of sites it is megabytes.
  Automation(Parts parts, std::shared_ptr<const config::Config> config);
  Automation(Parts parts, std::shared_ptr<const config::Config> config, Replacements replacements);
  // stop() has returned, or the loop does not run any more.
  ~Automation();

  // Reads the certificates that sites have in files into `certificates`, and looks at the issuers'
  // trust roots. Blocks: call it at start, before loops run. Errors name the place and the files;
  // kDenied when a key does not match.
  base::Result<> load_files();

  // Loads what storage holds, schedules renewals, orders what is missing for named sites; returns
  // when the first two are under way, waits for no CA and no disk. On control's thread, once.
  base::Task<base::Result<void>> start();
  // Refuses new work and answers who waits, lets orders in flight end until `deadline` (they are
  // repeated after a restart), finishes writes. On control's thread, once, after start().
  base::Task<void> stop(base::Deadline deadline);

  // A worker's question for a name that `certificates` does not have: joins or starts the one
  // order for it. `answer` is called on control's thread, exactly once: post it to the worker.
  // From any thread. Errors: kDenied (policy, ask), kOverload (a bound, or the name's last order
  // failed and the next one is not due), kTimeout, kCancelled (stopping), and the order's.
  // `keys`: of which the client can check signatures; see OnDemand.
  void request(std::string name, std::function<void(base::Result<tls::CertificateRef>)> answer,
               tls::KeyKinds keys = tls::kAllKeys);

  // Whether a handshake for `name` (lower case) may wait for a certificate: it belongs to a site
  // with TLS that is managed or on demand. Cheap, no allocation; any thread. Asking policy comes
  // later.
  bool may_request(std::string_view name) const;

  // For people and their programs: see Overview and Instructions, which say what these do. On
  // control's loop. Without start(), they tell of what storage holds and write down what is to be
  // done by who starts next; `wait` must be false then.
  base::Task<base::Result<StatusPage>> list(std::string after, std::size_t most);
  base::Task<base::Result<CertificateStatus>> show(std::string name);
  base::Task<NameOutcomes> changed(std::vector<std::string> names);
  base::Task<NameOutcomes> renew(std::vector<std::string> names, bool wait);
  base::Task<NameOutcomes> renew_all(bool wait);

  // Looks at the wall clock now rather than at the next timer: renewals that are due start. On
  // control's thread.
  void recheck();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

}  // namespace gatehouse::certs
