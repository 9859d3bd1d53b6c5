// Hooks are told of what a command has revoked, by the command itself: no server need run.
#pragma once

#include <vector>

#include "certs/hooks.h"
#include "certs/revoke.h"

namespace gatehouse::certs {

inline constexpr base::Duration kTellTime{30'000};  // that the command waits for hooks at most

// Tells the configuration's hooks of each certificate that is revoked now and was not before. On
// the loop of a command. What a hook does not take is told again until kTellTime is over, and is
// logged then; how many times that happened.
base::Task<std::size_t> tell_of_revocations(Hooks::Parts parts, const config::Config& config,
                                            std::vector<RevokeOutcome> outcomes,
                                            acme::RevocationReason reason);

}  // namespace gatehouse::certs
