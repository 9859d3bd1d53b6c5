// How many certificates a CA signs for the names below one registered domain: its published limit,
// kept by us, so that a customer with thousands of names is not sent to a CA that refuses them.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "acme/failure.h"
#include "base/loop.h"
#include "certs/pace.h"
#include "certs/slots.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// A Pace a domain, under domains/<issuer id>/<domain> in storage and nowhere else: full ones have
// no record. One loop.
class DomainPaces {
 public:
  static constexpr std::size_t kQueued = 4096;  // who wait for their turn at the records

  // Storage outlives it, and so do the limits. `issuer` is Issuer::id().
  DomainPaces(base::Loop& loop, storage::Storage& storage, std::string issuer,
              const CaLimits& limits);

  // Counts a certificate for the names, once for each registered domain among them, or for none of
  // them. Storage that fails lets all pass. Failure: kOverload, side kLocal, with the wait in
  // retry_after.
  base::Task<acme::Outcome<>> take(std::vector<std::string> names, Urgency urgency);
  // The certificate that was counted has not come.
  base::Task<void> give_back(std::vector<std::string> names);
  // Removes the records of those that have filled up again. At start.
  base::Task<void> forget_full();

 private:
  // What storage has of it; a full one where that is nothing.
  base::Task<Pace> load(std::string key);
  base::Task<void> store(std::string key, Pace pace);
  std::set<std::string> keys_of(const std::vector<std::string>& names) const;

  storage::Storage& storage_;
  std::string issuer_;
  const CaLimits& limits_;
  Slots turn_;  // one reads and writes at a time
};

}  // namespace gatehouse::certs
