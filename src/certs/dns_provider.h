// Who can put TXT records into a zone for us, so that an ACME CA finds them (dns-01, RFC 8555 8.4).
#pragma once

#include <cstddef>
#include <limits>
#include <memory>
#include <string>

#include "base/blocking_pool.h"
#include "base/clock.h"
#include "base/loop.h"
#include "base/resolver.h"
#include "config/model.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// On control's loop. Calls come one after another: many APIs read a zone, change it and write it.
class DnsProvider {
 public:
  virtual ~DnsProvider() = default;

  // Which it is and where, in words that do not change and hold no secret.
  virtual const std::string& id() const = 0;
  // How many values it can hold at once, at all names together.
  virtual std::size_t most_values() const { return std::numeric_limits<std::size_t>::max(); }

  // Told before add() that values are wanted at `place`, where the aliases end that begin at
  // `challenge` (both without a dot at their end). Errors: what a person has to do first.
  virtual base::Task<base::Result<void>> prepare(std::string challenge, std::string place,
                                                 base::Deadline deadline);
  // Adds a TXT record with `value` at `name` (no dot at its end); others at the name stay. Also
  // well when it is there already. Errors say what the provider said.
  virtual base::Task<base::Result<void>> add(std::string name, std::string value,
                                             base::Deadline deadline) = 0;
  // Removes that record and no other; also well when it is not there.
  virtual base::Task<base::Result<void>> remove(std::string name, std::string value,
                                                base::Deadline deadline) = 0;
};

// What providers work with; all outlive them.
struct DnsProviderParts {
  base::Loop& loop;
  base::BlockingPool& blocking;
  base::Resolver& resolver;
  storage::Storage& storage;
};

// The provider that the configuration describes.
std::unique_ptr<DnsProvider> make_dns_provider(DnsProviderParts parts, const config::Dns& wanted);

}  // namespace gatehouse::certs
