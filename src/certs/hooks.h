// Tells programs and webhooks of the user's what happens to certificates. Each hook has a queue and
// a task of its own, so that one that is slow holds up nobody: not the others, and no certificate.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "base/event.h"
#include "base/gate.h"
#include "certs/certificate_event.h"
#include "certs/json_api.h"
#include "config/hooks.h"

namespace gatehouse::certs {

// On control's loop. What happened is told to each hook in its order. What a hook does not take (a
// status that is no success, silence) is told again after waits that grow, until it is given up;
// what comes after it waits meanwhile. Nothing is remembered over the end of the process.
class Hooks {
 public:
  static constexpr std::size_t kQueued = 1024;  // events that wait for one hook; the oldest go
  static constexpr unsigned kAttempts = 10;     // to tell one event
  static constexpr base::Duration kFirstPause{1'000};  // between them; each is three times as long
  static constexpr base::Duration kLongestPause{900'000};
  // When so long has passed since the event, no attempt but the first is made.
  static constexpr base::Duration kTold{3'600'000};
  static constexpr base::Duration kKilled{500};  // what is killed at the end has so long to be gone

  using Parts = JsonApi::Parts;

  // All outlive it.
  Hooks(Parts parts, const std::vector<config::Hook>& wanted);
  ~Hooks();
  Hooks(const Hooks&) = delete;
  Hooks& operator=(const Hooks&) = delete;

  // Whether any hook is to be told of such events.
  bool wants(config::HookEvent kind) const;
  // Tells those hooks that want to know. Waits for nothing.
  void tell(CertificateEvent event);

  // Events that were dropped from a full queue, given up, or left at the end.
  std::size_t lost() const { return lost_; }

  // From now on no attempt is waited for: what fails once more is given up. For the end.
  void hurry() { hurried_.set(); }
  // Takes no more events, and returns when all are told or given up, at the deadline at the latest:
  // then programs that run are killed with their groups, and what is left is dropped and logged.
  base::Task<void> close(base::Deadline deadline);
  // Tasks that did not end with close(): what they work with must live as long as the loop.
  std::size_t tasks() const { return gate_.count(); }

 private:
  struct Line;
  // An event for a hook.
  struct Notice {
    std::shared_ptr<const CertificateEvent> event;
    base::TimePoint last;  // no attempt but the first is made later
  };

  base::Task<void> work_off(Line& line);
  base::Task<void> deliver(Line& line, Notice notice);
  base::Task<base::Result<std::string>> attempt(Line& line, const CertificateEvent& event);
  base::Task<base::Result<std::string>> run(Line& line, const CertificateEvent& event);
  base::Task<base::Result<std::string>> post(Line& line, const CertificateEvent& event);
  void lose(const Line& line, const CertificateEvent& event, const char* why, unsigned attempts);

  Parts parts_;
  base::Gate gate_;
  base::Event hurried_;
  bool over_ = false;
  std::size_t lost_ = 0;
  std::vector<std::unique_ptr<Line>> lines_;
};

}  // namespace gatehouse::certs
