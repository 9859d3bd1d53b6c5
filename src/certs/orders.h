// Obtains certificates: one order a name at a time (the two of a name with two types of keys go one
// after the other, so that the second finds the names proved), in this process and among all that
// share the storage; the issuers of a name in turn, as far as the kind of the failure lets another
// one help; stored before it is served.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/abuse_counters.h"
#include "base/blocking_pool.h"
#include "base/event.h"
#include "base/gate.h"
#include "certs/breakers.h"
#include "certs/certificate_events.h"
#include "certs/change_watch.h"
#include "certs/inventory.h"
#include "certs/issuer.h"
#include "certs/key_types.h"
#include "certs/ocsp_staples.h"
#include "certs/renewal_polls.h"
#include "certs/schedule.h"
#include "certs/slots.h"
#include "certs/timed_cache.h"
#include "tls/certificate_store.h"
#include "tls/key.h"

namespace gatehouse::certs {

struct OrderRequest {
  std::vector<std::string> names;  // of one certificate: host names, "*.a.example", IP addresses
  std::string name;                // what the certificate is called here: its label
  std::vector<Issuer*> issuers;
  Urgency urgency = Urgency::kBackground;
  tls::KeyKinds keys = tls::kAllKeys;  // kinds of key that belong to the label

  OrderRequest() = default;
  OrderRequest(std::vector<std::string> n, std::vector<Issuer*> i, Urgency u,
               tls::KeyKinds k = tls::kAllKeys)
      : names(std::move(n)), issuers(std::move(i)), urgency(u), keys(k) {
    name = label_of(names.front());
  }

  std::string label_of(std::string_view one) const {
    return keys == tls::kRsaKeys ? rsa_label(one) : std::string(one);
  }
  // The names as the log calls them.
  std::vector<std::string> labels_of(std::vector<std::string> some) const {
    for (std::string& one : some) one = label_of(one);
    return some;
  }
  bool joint() const { return names.size() > 1; }
};

// On control's loop.
class Orders {
 public:
  static constexpr base::Duration kOrderTime{300'000};  // of one order, waiting included
  // With what an issuer wants beyond that (Issuer::extra_time).
  static constexpr base::Duration kLongestOrder{7'200'000};
  static constexpr base::Duration kLeasePoll{500};    // while another process orders the name
  static constexpr std::size_t kQueued = 4096;        // orders that wait for a slot
  static constexpr std::size_t kFailing = 100'000;    // names whose failures stay in memory
  static constexpr std::size_t kUnsaved = 1024;       // certificates that wait for storage
  static constexpr base::Duration kSaveAgain{1'000};  // first wait; doubles up to kSaveAtMost
  static constexpr base::Duration kSaveAtMost{60'000};
  static constexpr std::size_t kFormer = 16;  // issuers that storage knows
  // Of what those signed, so much is replaced at once, and the rest spread over so long, though
  // within a quarter of what is left of the life.
  static constexpr std::size_t kReplacedAtOnce = 10;
  static constexpr std::chrono::seconds kReplaceWithin = std::chrono::hours(6);
  // Of failures that are the issuer's with everybody, so many count: the wait stays at 100 minutes.
  static constexpr unsigned kTroubleCounts = 3;
  // A failure that lasts counts as so many: the first wait has 100 minutes.
  static constexpr unsigned kLastingCounts = 3;
  // How often names are left out of one order, at most.
  static constexpr unsigned kRounds = 5;
  // A renewal is tried again in a quarter of what is left of the life, though no sooner than this.
  static constexpr std::chrono::seconds kRenewAgain = std::chrono::minutes(12);
  // No wait is longer: what lies beyond is of a clock that has been set back since.
  static constexpr std::chrono::seconds kLongestWait = std::chrono::days(31);
  // Renewals that wait for one CA to mend come back spread over so long: visitors do not wait.
  static constexpr std::chrono::seconds kSpread = std::chrono::hours(1);

  // All outlive it; `tasks` is where it starts tasks of its own.
  struct Parts {
    base::Loop& loop;
    base::BlockingPool& blocking;
    storage::Storage& storage;
    base::Gate& tasks;
    Inventory& inventory;
    tls::CertificateStore& certificates;
    Schedule& schedule;
    RenewalPolls& polls;
    WallClock now;
    RenewalPolicy renewal;
    KeyTypes key_types;
    std::size_t at_once;
    base::AbuseCounters* abuse = nullptr;  // may be null
    CertificateEvents* events = nullptr;   // may be null
    OcspStaples* staples = nullptr;        // may be null
    ChangeWatch* changes = nullptr;        // may be null
  };

  explicit Orders(Parts parts);
  Orders(const Orders&) = delete;
  Orders& operator=(const Orders&) = delete;

  // A certificate for the names, by joining an order that runs or running one; ends by itself even
  // when nobody waits any more. On success it is stored, served and scheduled for renewal. Of
  // several names some may be left out of it (see left_out), rather than that none gets one.
  // Errors: kOverload while the name is in backoff (see next_attempt) or too many orders wait,
  // kTimeout, kCancelled by storage for a name whose certificate was revoked and is not to be
  // replaced, and what the last issuer said.
  base::Task<base::Result<tls::CertificateRef>> obtain(OrderRequest request);

  // Serves what storage holds for the names, when it is valid, and schedules its renewal: at once
  // when it is not for exactly these names. Errors: kNotFound, also when storage fails; kOverload
  // when it is too busy to say.
  base::Task<base::Result<tls::CertificateRef>> load(OrderRequest request);

  // Why `name`, one of several of the request, is left out of their certificate until a moment that
  // is not yet, as far as memory knows.
  std::optional<base::Error> left_out(const OrderRequest& request, const std::string& name);

  KeyTypes& key_types() { return parts_.key_types; }

  // Storage holds certificates of an issuer. Where a name's own have signed nothing, load() looks
  // there too, so that what others signed before is served until those have; and obtain(), for what
  // is not to be replaced. At most kFormer.
  void know_former(std::string_view issuer);
  // Whether the issuer of that id does not look at names, and one before it in the list does: what
  // it signs is trusted by fewer, and serves until one of those has signed.
  static bool stands_in(std::string_view issuer, const std::vector<Issuer*>& issuers);
  // When a certificate of one that is known so is replaced by one of the name's own issuers.
  base::WallTime replacement_of(const Record& record);
  // Those of them that are none of these.
  std::vector<std::string> former_issuers(const std::vector<Issuer*>& issuers) const;

  // The error of a name in backoff, as far as memory knows.
  std::optional<base::Error> backing_off(std::string_view name,
                                         const std::vector<Issuer*>& issuers);
  // When the next order may be tried; after a failed obtain().
  base::WallTime next_attempt(std::string_view name);
  // Orders for the name that failed in a row, as far as memory knows.
  unsigned failures(std::string_view name);
  // What memory knows of the name's failures is outdated: storage says more.
  void read_failures_again(std::string_view name) { failing_.erase(name); }
  // Whether an order for the name is under way.
  bool ordering(const std::string& name) const { return running_.contains(name); }
  // Serves what storage holds, whatever is being served, and schedules its renewal.
  void serve(const Record& record, const OrderRequest& request);

  // Ends waits, so that tasks end soon; orders at an issuer end by themselves.
  void stop() { stopping_.set(); }
  std::size_t running() const { return running_.size(); }

 private:
  using Outcome = base::Result<tls::CertificateRef>;
  struct Running {
    explicit Running(base::Loop& loop) : ended(loop) {}
    base::Event ended;
    Outcome outcome;
    Slots::Place place;  // where it waits for its turn
  };
  // What storage has for a name, by any of its issuers, or imported.
  struct Held {
    base::Result<Record> usable;   // valid longest
    std::optional<Record> newest;  // ends last, usable or not; none that was revoked
    std::vector<Record> valid;     // of several names
    // As good as `usable`, but of an issuer that was asked because those before it gave none.
    std::optional<Record> stand_in;
    bool imported = false;  // one of them may be
    bool withheld = false;  // one was revoked, and is not to be replaced
  };
  // What it has by other issuers.
  struct Former {
    std::vector<Record> valid;  // the longest first
    bool withheld = false;

    Record best(const std::vector<std::string>& names) const;  // of some
    std::optional<Record> ends_first() const;
  };
  // What came of asking the issuers in turn.
  struct Attempt {
    tls::CertificateRef certificate;
    Issuer* issuer = nullptr;
    Origin origin;
    base::Error error;
    IssueError why;             // what the last issuer said
    bool asked = false;         // an issuer was, rather than all be left alone
    bool whole_issuer = false;  // the last one's trouble is everybody's
    bool lasting = false;       // nothing changes before a person has changed something
    bool stand_in = false;      // the certificate is one, or one that is there is to be kept
    std::vector<NameError> blamed;
  };

  base::Task<Outcome> run(OrderRequest request, std::shared_ptr<Running> mine);
  base::Task<Outcome> run_in_turn(const OrderRequest& request, base::Deadline deadline);
  base::Task<Outcome> run_leased(const OrderRequest& request, base::Deadline deadline);
  base::Task<void> wait_for_other(const OrderRequest& request);
  base::Error withhold(const OrderRequest& request);
  base::Task<Held> stored(const OrderRequest& request, std::vector<std::string> names, bool fresh);
  base::Task<bool> hold(Held& held, base::Result<Record> record, const OrderRequest& request,
                        const std::vector<std::string>& names, bool fresh);
  base::Task<base::Result<Record>> load_for(const OrderRequest& request, std::string issuer,
                                            std::string name);
  base::Task<base::Result<Record>> read(std::string issuer, std::string label);
  base::Task<void> move_to_rsa_label(bool imported, Record& record);
  base::Task<void> serve_former_kind(const OrderRequest& request);
  base::Task<Former> of_former(const OrderRequest& request);
  base::Task<Failures> failures_of(const OrderRequest& request);
  base::Task<Attempt> ask_issuers(const OrderRequest& request, std::vector<std::string> names,
                                  const std::optional<Record>& before, Failures& failures,
                                  base::Deadline deadline);
  base::Task<Outcome> obtained(const OrderRequest& request, std::vector<std::string> names,
                               const Held& held, Failures failures, Attempt attempt);
  base::Task<void> settle_failures(const OrderRequest& request,
                                   const std::vector<std::string>& names, Failures failures);
  base::Task<void> failed(const OrderRequest& request, const std::optional<Record>& before,
                          Failures failures, const Attempt& attempt);
  base::Task<void> keep(const std::string& name, Failures failures);
  base::Task<void> save(Record record, Issuer* issuer);
  base::Task<void> save_until_done(Record record, Issuer* issuer);
  base::Task<void> forget_failures(std::string name);
  base::Task<void> forget_imported(const OrderRequest& request);
  base::Task<void> keep_asking(const OrderRequest& request, Failures failures,
                               const Attempt& attempt);
  std::vector<Issuer*> in_turn(const OrderRequest& request, const std::optional<Record>& before);
  bool is_worse(const Issuer& issuer, const OrderRequest& request,
                const std::vector<std::string>& names, const std::optional<Record>& before) const;
  bool is_valid(const std::optional<Record>& record) const;
  bool waits(const Failures& failures) const;
  bool outlasts_trouble(const std::optional<Record>& before) const;
  tls::PrivateKey kept_key(tls::KeyType type, const std::optional<Record>& before) const;
  bool asked_for_patience(const Issuer& issuer, const Failures& failures) const;
  void learn(const OrderRequest& request, const Issuer& issuer, const IssueError& why,
             Failures& failures, Attempt& attempt);
  base::WallTime next_for(const OrderRequest& request, const std::optional<Record>& before,
                          const Failures& failures, const Attempt& attempt);
  void withdraw(const Record& record, const OrderRequest& request);
  base::WallTime due(const Record& record, const OrderRequest& request);
  void serve_unless_newer(const Record& record, const OrderRequest& request);

  Parts parts_;
  Slots slots_;
  base::Event stopping_;
  std::unordered_map<std::string, std::shared_ptr<Running>> running_;
  TimedCache<Failures> failing_;
  Breakers breakers_;  // by id: of one CA, however often it is configured
  std::size_t unsaved_ = 0;
  std::set<std::string, std::less<>> former_;
  std::size_t replaced_ = 0;  // by replacement_of()
  base::WallTime replacing_since_{};
};

}  // namespace gatehouse::certs
