// The issuers of the configuration as real ones: the internal CA, and ACME CAs.
#pragma once

#include <string>

#include "base/blocking_pool.h"
#include "base/gate.h"
#include "base/loop.h"
#include "base/resolver.h"
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

// `listen` says which challenges can be answered at all.
IssuerFactory issuer_factory(IssuerParts parts, const config::Listen& listen);

}  // namespace gatehouse::certs
