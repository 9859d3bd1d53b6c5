// The internal CA: a root that lives in storage and that people may trust, a short-lived
// intermediate that signs, and short-lived leaves. Renewal of leaves is the same as for any
// issuer; the intermediate is replaced in time before its leaves would outlive it.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/loop.h"
#include "certs/issuer.h"
#include "certs/record.h"
#include "certs/schedule.h"
#include "certs/slots.h"
#include "storage/storage.h"

namespace gatehouse::certs {

struct InternalLifetimes {
  std::chrono::seconds root = std::chrono::days(3652);  // ten years
  std::chrono::seconds intermediate = std::chrono::days(30);
  std::chrono::seconds leaf = std::chrono::days(7);

  InternalLifetimes() = default;
};

// Root and intermediate with their keys, as storage has them (internal/root and
// internal/intermediate). Processes that share the storage share them. On control's loop.
class InternalAuthority {
 public:
  static constexpr base::Duration kLeaseTime{30'000};  // waiting for another process that makes one
  static constexpr std::size_t kWaiting = 4096;        // calls that wait for the first load

  InternalAuthority(base::Loop& loop, base::BlockingPool& blocking, storage::Storage& storage,
                    InternalLifetimes lifetimes, WallClock now);

  // The root, made when there is none (or when it ends sooner than an intermediate would: people
  // must trust the new one then). Errors: storage's: a root that cannot be kept is not made.
  base::Task<base::Result<tls::CertificateRef>> root();
  // An intermediate that outlives a leaf made now.
  base::Task<base::Result<tls::CertificateRef>> intermediate();

 private:
  base::Task<base::Result<tls::CertificateRef>> refresh(bool intermediate);
  base::Task<base::Result<void>> refresh_leased(bool intermediate);
  base::Task<base::Result<tls::CertificateRef>> load(std::string key);
  base::Task<base::Result<tls::CertificateRef>> make(bool intermediate);
  bool root_lasts() const;
  bool intermediate_lasts() const;

  base::BlockingPool& blocking_;
  storage::Storage& storage_;
  InternalLifetimes lifetimes_;
  WallClock now_;
  Slots turn_;  // one at a time loads or makes
  tls::CertificateRef root_;
  tls::CertificateRef intermediate_;
};

class InternalIssuer : public Issuer {
 public:
  // All outlive it.
  InternalIssuer(base::Loop& loop, base::BlockingPool& blocking, storage::Storage& storage,
                 InternalLifetimes lifetimes = InternalLifetimes(),
                 WallClock now = &base::wall_now);

  const std::string& id() const override { return id_; }
  bool validates() const override { return false; }
  base::Task<std::expected<tls::CertificateRef, IssueError>> issue(IssueRequest request) override;
  base::Task<acme::Outcome<acme::RenewalInfo>> renewal_info(tls::CertificateRef certificate,
                                                            base::Deadline deadline) override;

 private:
  base::BlockingPool& blocking_;
  InternalLifetimes lifetimes_;
  WallClock now_;
  InternalAuthority authority_;
  std::string id_ = "internal";
};

// PEM of the internal CA's root, made when there is none. For the command line. Errors: storage's.
base::Task<base::Result<std::string>> internal_root_pem(base::Loop& loop,
                                                        base::BlockingPool& blocking,
                                                        storage::Storage& storage);

}  // namespace gatehouse::certs
