// Certificates of sites from files, after the start: read again when the files change, and told of
// when their end comes near. A pair of files is taken when both can be used together; until then
// the pair from before is served on. What was read at start is served no more when the first look
// finds that its key is compromised (certs/compromised_keys.h).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/event.h"
#include "base/folder_events.h"
#include "base/loop.h"
#include "certs/certificate_events.h"
#include "certs/ocsp_staples.h"
#include "certs/schedule.h"
#include "config/model.h"
#include "storage/storage.h"
#include "tls/certificate_store.h"

namespace gatehouse::certs {

// On control's loop.
class OwnCertificates {
 public:
  // Files are looked at this often, whatever the kernel tells of them.
  static constexpr base::Duration kLook{60'000};
  // After the kernel told something: for what comes with it.
  static constexpr base::Duration kGather{200};
  // How long a pair may be half changed before that is told.
  static constexpr base::Duration kSettle{3'000};

  // All outlive it.
  struct Parts {
    base::Loop& loop;
    base::BlockingPool& blocking;
    tls::CertificateStore& certificates;  // has been given what the files hold at start
    WallClock now;
    storage::Storage* storage = nullptr;  // where compromised keys are noted; may be null
    CertificateEvents* events = nullptr;  // may be null
    OcspStaples* staples = nullptr;       // may be null
    base::Duration look = kLook;
    base::Duration settle = kSettle;
  };

  // `config` outlives it.
  OwnCertificates(Parts parts, const config::Config& config);
  OwnCertificates(const OwnCertificates&) = delete;
  OwnCertificates& operator=(const OwnCertificates&) = delete;

  // Looks after the files until stop().
  base::Task<void> run();
  // Looks now, at the files and at the clock.
  void recheck();
  void stop();

 private:
  // Two files, and the sites that name both.
  struct Pair {
    const config::CertificateFiles* files = nullptr;
    std::vector<const config::Site*> sites;
    std::size_t seen = 0;  // a hash of what the file system said of both when they were read
    tls::CertificateRef served;
    std::string wrong;  // why what lies there now cannot be used; empty: it can
    base::TimePoint wrong_since{};
    bool told_wrong = false;
    int told_stage = 0;  // of expiry_stage()
  };

  base::Task<void> look();
  base::Task<void> look_at(Pair& pair);
  base::Task<bool> is_compromised(const Pair& pair, const tls::Certificate& certificate);
  void withdraw(Pair& pair, const tls::Certificate& certificate);
  bool is_second_of_kind(const Pair& pair, const tls::Certificate& certificate) const;
  void take(Pair& pair, tls::CertificateRef certificate);
  void note_expired(Pair& pair);
  void share(const Pair& pair, const std::vector<std::string>& names);
  void refuse(Pair& pair, const base::Error& error);
  void tell_wrong(Pair& pair);
  void tell_expiry(Pair& pair);
  std::vector<std::string> names_of(const Pair& pair, const tls::Certificate& certificate) const;
  base::Deadline next_look() const;

  Parts parts_;
  const config::Config& config_;
  std::vector<Pair> pairs_;
  base::FolderEvents events_;
  base::Event stopping_;
  bool look_again_ = false;
};

// How near its end a certificate is: 0 far, 1 within 30 days, 2 within 7, 3 within one, 4 past it.
// Days that are half of its life or more do not count: it was made to be replaced later.
int expiry_stage(const tls::LeafFacts& leaf, base::WallTime now);

}  // namespace gatehouse::certs
