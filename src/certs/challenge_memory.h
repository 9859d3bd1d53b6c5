// Which challenge type works for a name, kept over restarts: a CA counts each that fails.
#pragma once

#include <optional>
#include <string>

#include "acme/challenge.h"
#include "base/loop.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// In storage under challenges/<issuer id>/<name>, for names alone whose type is not the first that
// would be tried anyway. Trouble with storage is no trouble here: what is not known is learnt
// again.
struct ChallengeMemory {
  storage::Storage& storage;  // outlives the calls
  std::string issuer;         // Issuer::id()

  base::Task<std::optional<acme::ChallengeType>> recall(std::string name) const;
  // `usual`: it is the first that would be tried.
  base::Task<void> note(std::string name, acme::ChallengeType type, bool usual) const;
};

}  // namespace gatehouse::certs
