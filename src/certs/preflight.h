// What DNS says against an order, seen before the CA is asked for one: so that nothing is spent on
// what is known to fail. Silence of DNS, and what only others can see, is no objection.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "acme/problem.h"
#include "base/blocking_pool.h"
#include "base/endpoint.h"
#include "certs/caa.h"
#include "dns/lookup.h"

namespace gatehouse::certs {

// On control's loop.
class Preflight {
 public:
  static constexpr base::Duration kTime{3'000};  // of looking; what is not known by then is good
  static constexpr std::size_t kShown = 8;       // addresses named in a message

  // Both outlive it. `resolvers`: empty: the system's.
  Preflight(base::Loop& loop, base::BlockingPool& blocking, std::vector<base::Endpoint> resolvers)
      : loop_(loop), blocking_(blocking), resolvers_(std::move(resolvers)) {}

  struct Look {
    // The problem (RFC 8555 6.7: "caa", "dns") that the CA would have with the name; mostly none.
    std::optional<acme::Problem> objection;
    std::vector<std::string> addresses;  // of the name, as far as they were asked for and known
  };
  // Looks at a DNS name or wildcard. `by_address`: every challenge needs that the CA finds an
  // address of the name.
  base::Task<Look> look(std::string name, bool by_address, CaaSubject subject,
                        base::Deadline deadline);

  // Where a name leads that has these addresses, if not here; and those that this machine has.
  struct Places {
    std::vector<std::string> found;  // empty: one is this machine's, or there is none
    std::vector<std::string> own;
  };
  base::Task<Places> elsewhere(std::vector<std::string> addresses);
  // The same of a name, for people, after a CA did not find us there; mostly empty. Behind a NAT
  // that is nothing bad.
  base::Task<std::string> where(std::string name, base::Deadline deadline);

 private:
  struct Addresses {
    std::vector<std::string> found;
    bool known = false;    // both kinds were asked for, and answered
    bool no_name = false;  // there is no such name
  };

  base::Task<base::Result<dns::Lookup>> make_lookup();
  base::Task<Addresses> addresses_of(dns::Lookup& lookup, std::string name,
                                     base::Deadline deadline);
  base::Task<std::optional<acme::Problem>> check_caa(dns::Lookup& lookup, std::string name,
                                                     const CaaSubject& subject,
                                                     base::Deadline deadline);

  base::Loop& loop_;
  base::BlockingPool& blocking_;
  std::vector<base::Endpoint> resolvers_;
};

}  // namespace gatehouse::certs
