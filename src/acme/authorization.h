// The CA's question whether an identifier is ours (RFC 8555 7.1.4).
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/challenge.h"

namespace gatehouse::acme {

struct Authorization {
  std::string url;
  std::string identifier;  // the DNS name or IP address, without "*."
  std::string status;      // pending, valid, invalid, deactivated, expired, revoked
  bool wildcard = false;
  std::vector<Challenge> challenges;  // those with a usable URL; unknown types too

  bool pending() const { return status == "pending" || status == "processing"; }
  bool valid() const { return status == "valid"; }
  // As it was ordered: with "*." before it when it is for the wildcard.
  std::string name() const { return (wildcard ? "*." : "") + identifier; }
  // Why it is not valid: the first challenge's problem, if any has one.
  const Problem* problem() const;
};

// Reads the object found at `url`. Errors: kMalformed naming the member, kTooLarge.
base::Result<Authorization> parse_authorization(std::string_view url, std::string_view body);

base::Task<Outcome<Authorization>> read_authorization(Client& client, const Account& account,
                                                      std::string url, base::Deadline deadline);

// Looks until the CA has decided; the answer is then no longer pending. A CA in trouble is asked
// again, Poll::kFailures times in a row. Failures: kTimeout at the deadline; those of Client::post.
base::Task<Outcome<Authorization>> await_authorization(Client& client, const Account& account,
                                                       std::string url, base::Deadline deadline);

}  // namespace gatehouse::acme
