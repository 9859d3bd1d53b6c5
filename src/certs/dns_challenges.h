// The answers to dns-01 (RFC 8555 8.4) and dns-account-01: TXT records that stand in DNS while a CA
// looks, and that go afterwards, whatever happens in between. And those to dns-persist-01, which
// stay.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/endpoint.h"
#include "base/gate.h"
#include "certs/dns_persist.h"
#include "certs/dns_provider.h"
#include "certs/slots.h"
#include "dns/lookup.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// A value that a provider was told to set.
struct DnsRecord {
  std::string name;  // where it stands: the end of the aliases
  std::string value;
  std::string key;                       // under which storage remembers it
  storage::Lease lease;                  // of that key: the value is in use, not left over
  bool counted = false;                  // holds one of the provider's places
  std::vector<dns::NameServer> servers;  // that must all show it

  DnsRecord() = default;
};

struct DnsOptions {
  std::vector<base::Endpoint> resolvers;               // empty: the system's
  std::optional<std::vector<base::Endpoint>> servers;  // to be asked instead of the zone's own
  base::Duration propagation{120'000};                 // how long these may take to show a value

  DnsOptions() = default;
};

// On control's loop.
class DnsChallenges {
 public:
  static constexpr base::Duration kRemoveTime{60'000};  // for the removal of one record
  static constexpr base::Duration kSetTime{60'000};     // reckoned for setting one
  // A value is looked for so long at least, though others have used up what is to be waited.
  static constexpr base::Duration kLastLook{5'000};
  static constexpr std::size_t kQueued = 4096;   // calls that wait for their turn
  static constexpr unsigned kRemovals = 7 * 24;  // a week, where it is tried hourly

  // What it works with; all outlive it.
  struct Parts {
    base::Loop& loop;
    base::BlockingPool& blocking;
    storage::Storage& storage;
    base::Gate& tasks;  // whose owner outlives this; removals are tasks of it
  };

  // `provider`: null where nobody sets records: then persist() alone may be called.
  DnsChallenges(Parts parts, std::unique_ptr<DnsProvider> provider, DnsOptions options);

  // Sets `value` for `name` (a DNS name without "*."), at the end of the aliases that begin at
  // LABEL.NAME. When that fails, what may have been set is withdrawn. Errors name the record.
  base::Task<base::Result<DnsRecord>> present(std::string name, std::string value,
                                              base::Deadline deadline,
                                              std::string label = "_acme-challenge");
  // Waits until every server of the zone shows what was set. `since`: when the last of those
  // was set that are awaited one after another, from where the time that they have counts for all
  // of them. Error: kTimeout, naming the record and saying what is missing.
  base::Task<base::Result<void>> shown(const DnsRecord& record, base::TimePoint since,
                                       base::Deadline deadline);
  // How long it may take until `names` are all set and shown.
  base::Duration time_for(std::size_t names) const;
  // Sees to it that every server of the zone shows a TXT record at the end of the aliases that
  // begin at _validation-persist.NAME that says what is wanted. Where it is missing the provider,
  // if it can hold it for long, sets it once, and nobody removes it. Errors say which record is to
  // be set, and who does not show it.
  base::Task<base::Result<void>> persist(std::string name, PersistentRecord wanted,
                                         base::Deadline deadline);
  // Removes what was set, in a task of its own unless those are not taken any more. What cannot be
  // removed is reported and stays a leftover.
  base::Task<void> withdraw(DnsRecord record);
  // Removes what is left: by earlier lives of the process, or of others on the same storage, and by
  // this one. After the first call only where something was left that could not be removed, and
  // kRemovals times at most until something else cannot be.
  base::Task<void> remove_leftovers();
  // Where in storage the notes of what was set lie.
  const std::string& folder() const { return folder_; }

 private:
  base::Task<base::Result<dns::Lookup>> make_lookup();
  base::Task<base::Result<std::vector<dns::NameServer>>> servers_of(dns::Lookup& lookup,
                                                                    std::string name,
                                                                    base::Deadline deadline);
  base::Task<base::Result<void>> prepare(std::string challenge, std::string place,
                                         base::Deadline deadline);
  base::Task<base::Result<void>> remember(DnsRecord& record, base::Deadline deadline);
  base::Task<base::Result<void>> set(const DnsRecord& record, base::Deadline deadline);
  base::Task<base::Result<void>> shown(std::vector<dns::NameServer> servers, std::string place,
                                       const PersistentRecord& wanted, base::Deadline deadline);
  base::Task<void> take_back(std::shared_ptr<DnsRecord> record);
  base::Task<void> remove_all_leftovers();
  base::Task<void> remove_leftover(std::string key);

  Parts parts_;
  std::unique_ptr<DnsProvider> provider_;
  DnsOptions options_;
  std::string folder_;             // of the provider's notes in storage
  bool left_ = true;               // something may be
  unsigned removals_ = kRemovals;  // of that, yet to be tried
  Slots calls_;                    // of the provider, one at a time
  Slots places_;                   // for values at the provider
};

}  // namespace gatehouse::certs
