// What CAs say of the certificates that are served, to be shown beside them (OCSP stapling, RFC
// 6066 8), where a certificate names a responder: fetched in the background, checked, kept in
// storage across restarts, and replaced long before it runs out. Neither starts nor handshakes wait
// for it.
#pragma once

#include <memory>
#include <string>
#include <unordered_map>

#include "base/blocking_pool.h"
#include "base/gate.h"
#include "certs/certificate_events.h"
#include "certs/host_rules.h"
#include "certs/inventory.h"
#include "certs/ocsp_responders.h"
#include "certs/record.h"
#include "certs/schedule.h"
#include "certs/slots.h"
#include "storage/storage.h"
#include "tls/ocsp_response.h"

namespace gatehouse::certs {

// On control's loop. Keys in storage: ocsp/<issuer id>/<label>, and ocsp/files/<hash of the path>;
// a record is the response as it came, and is checked again before it is used.
class OcspStaples {
 public:
  // Certificates worked on at once: so at most half of the resolver's threads wait for responders.
  static constexpr std::size_t kAtOnce = 2;
  // From one question about a certificate to the next: half of the response's life, within these.
  static constexpr std::chrono::seconds kSoonest = std::chrono::minutes(1);
  static constexpr std::chrono::seconds kLatest = std::chrono::days(4);
  // The waits after failures are those of retry_delay(), up to this.
  static constexpr std::chrono::seconds kRetryAtMost = std::chrono::hours(1);
  // Who waits for a responder that errs with everything comes back spread over so long.
  static constexpr std::chrono::seconds kSpread = std::chrono::minutes(10);
  static constexpr std::chrono::seconds kRevokedAgain = std::chrono::days(1);
  // A certificate that is revoked sooner after it was obtained is replaced only then: a CA that
  // revokes whatever it signs must not see an order a minute.
  static constexpr std::chrono::seconds kReplaceAfter = std::chrono::hours(1);

  // All outlive it.
  struct Parts {
    base::Loop& loop;
    base::BlockingPool& blocking;
    base::Resolver& resolver;
    tls::ClientContext& trust;
    storage::Storage& storage;
    Inventory& inventory;
    Schedule& renewals;
    WallClock now;
    bool enabled = true;
    CertificateEvents* events = nullptr;  // may be null
    const HostRules* rules = nullptr;     // may be null: then no names share a certificate
  };

  explicit OcspStaples(Parts parts);
  OcspStaples(const OcspStaples&) = delete;
  OcspStaples& operator=(const OcspStaples&) = delete;

  // Staples this certificate from now on, until another of its name and issuer (its file) is
  // watched or nobody holds it any more. Does nothing for one that names no responder. When its
  // CA has revoked it, the record is made due at once, and the log says so.
  void watch(const Record& record);
  // When its CA has revoked it, the log says what to do.
  void watch_file(const std::string& file, const tls::CertificateRef& certificate);

  // Begins to work; once.
  void start();
  // Takes up nothing more; what is under way ends by itself. Error: kTimeout when it has not by
  // `deadline`: then it still uses this object and all parts.
  base::Task<base::Result<void>> stop(base::Deadline deadline);
  bool busy() const { return tasks_.count() != 0; }
  void recheck() { due_.recheck(); }

 private:
  struct Watched {
    std::weak_ptr<const tls::Certificate> certificate;
    std::string issuer;  // Issuer::id(); empty for one from files
    std::string name;    // its label, or the file
    base::WallTime obtained{};
    unsigned failures = 0;  // in a row
  };
  // One certificate's turn.
  struct Turn {
    std::string key;
    std::string name;  // or the file
    tls::CertificateRef certificate;
    tls::OcspQuestion question;
  };

  void put_down(std::string key, Watched watched);
  base::Task<void> run();
  base::Task<void> refresh(std::string key);
  base::Task<void> refresh_in_turn(std::string key);
  base::Task<bool> use_stored(const Turn& turn);
  base::Task<void> ask(const Turn& turn);
  base::Task<base::Result<tls::OcspAnswer>> check(const Turn& turn, std::string response);
  base::Task<void> keep(const Turn& turn, std::string response, const tls::OcspAnswer& answer);
  base::Task<void> revoked(const Turn& turn, const tls::OcspAnswer& answer);
  base::Task<void> demand_renewal(const Turn& turn);
  void failed(const Turn& turn, const base::Error& error);
  // Null when another certificate is watched in its place by now.
  Watched* still(const Turn& turn);
  void again(const Turn& turn, base::WallTime at);

  Parts parts_;
  OcspResponders responders_;
  Schedule due_;
  Slots turns_;
  base::Gate tasks_;
  std::unordered_map<std::string, Watched> watched_;  // by key in storage
};

}  // namespace gatehouse::certs
