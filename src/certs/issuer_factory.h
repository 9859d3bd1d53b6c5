// The issuers of the configuration as real ones: the internal CA, and ACME CAs.
#pragma once

#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/gate.h"
#include "base/loop.h"
#include "base/resolver.h"
#include "certs/acme_connection.h"
#include "certs/challenge_store.h"
#include "certs/issuers.h"
#include "config/model.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// What issuers work with; all outlive them.
struct IssuerParts {
  base::Loop& loop;
  base::BlockingPool& blocking;
  base::Resolver& resolver;
  storage::Storage& storage;
  ChallengeStore& challenges;
  base::Gate& tasks;  // of whoever owns the issuers
};

// What our own requests say they come from (RFC 8555 6.1 wants it).
std::string user_agent();

// The ACME CAs that `config` names, in `tls` and in sites, one after another; with Let's Encrypt
// where it leaves that to us. They live in `config`.
std::vector<const config::AcmeIssuer*> acme_issuers(const config::Config& config);
// `wanted`, one of them, as an issuer takes it: `config` says which challenges can be answered at
// all, and which other accounts there are.
AcmeOptions acme_options(const config::AcmeIssuer& wanted, const config::Config& config);

// `config` outlives it.
IssuerFactory issuer_factory(IssuerParts parts, const config::Config& config);

}  // namespace gatehouse::certs
