// One request from its head to the end of its response: find the site and the route, do what it
// says. On the worker's thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/abuse_counters.h"
#include "base/loop.h"
#include "base/memory_budget.h"
#include "certs/challenge_store.h"
#include "http/stream.h"
#include "proxy/access_log.h"
#include "proxy/client_facts.h"
#include "proxy/forward.h"
#include "proxy/request_facts.h"
#include "proxy/snapshot.h"
#include "proxy/upstreams.h"

namespace gatehouse::proxy {

// What every exchange of a worker works with; all outlive it.
struct ExchangeParts {
  base::Loop& loop;
  Upstreams& upstreams;
  const certs::ChallengeStore& challenges;
  AccessLog& access_log;
  const base::MemoryBudget& memory;
  base::AbuseCounters& abuse;
  std::size_t& under_way;  // exchanges of the worker
};

class Exchange {
 public:
  // Where the process is asked whether it lives; answered to this machine alone.
  static constexpr std::string_view kHealthPath = "/.well-known/gatehouse/health";
  // Servers and connections that are tried for one request.
  static constexpr int kAttempts = 4;
  // A reused connection that breaks so soon after a request, and without a byte of an answer, had
  // been closed before the request came: any method is sent again. Later, the upstream may have
  // begun to work on it, so only idempotent ones are (RFC 9110 9.2.2).
  static constexpr base::Duration kStaleWithin{1'000};

  // Where memory is short new requests are refused, but for so many at once on a worker: what they
  // need is little, and what fills the memory may be something that no refusal ends.
  static constexpr std::size_t kAlwaysServed = 4;
  // When who was refused for that may come again.
  static constexpr std::string_view kRetryAfterSeconds = "5";

  // All outlive the exchange.
  Exchange(ExchangeParts parts, const Snapshot& snapshot, const ClientFacts& facts,
           http::ServerStream& stream);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;
  ~Exchange() { --parts_.under_way; }

  // Answers, or resets the stream. Never fails otherwise.
  base::Task<void> run();
  // Ends what is under way with an upstream, so that run() returns soon; its owner ends the
  // client's side.
  void cut();

 private:
  base::Task<void> dispatch();
  base::Task<void> dispatch_well_known();
  base::Task<void> serve_site();
  base::Task<bool> answer_well_known();
  base::Task<void> answer_options();
  base::Task<void> refuse_for_memory();
  base::Task<void> act(const config::Action& action);
  base::Task<void> respond_as_told(const config::Respond& fixed);
  base::Task<void> redirect(std::uint16_t status, std::string location);
  base::Task<void> proxy(const config::Proxy& action);
  // `leased`: whether there was a connection at all, and one that had served before.
  struct Leased {
    bool any = false;
    bool reused = false;
  };
  base::Task<void> attempt(Upstream& upstream, const http::RequestHead& request, Replay& replay,
                           bool fresh, Leased& leased, ForwardResult& result);
  Upstream::Wanted wanted_for(const http::RequestHead& request, bool fresh) const;
  base::Task<void> respond(std::uint16_t status, std::string_view sentence);
  base::Task<void> report(const ForwardResult& result);
  base::Task<void> report_failure(const ForwardResult& result);
  void note(const base::Result<void>& done, std::uint16_t status);

  ExchangeParts parts_;
  const Snapshot& snapshot_;
  const ClientFacts& facts_;
  RequestFacts request_;
  http::ServerStream& stream_;
  AccessRecord record_;
  http::ClientStream* up_ = nullptr;  // while one is in use
  bool cut_ = false;
};

// The port that https:// URLs of redirects need; empty for 443.
std::string https_port_suffix(const config::Config& config);

}  // namespace gatehouse::proxy
