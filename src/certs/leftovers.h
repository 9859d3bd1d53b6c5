// What was left with others: records in DNS that could not be removed, by this life of the process
// or an earlier one.
#pragma once

#include "base/event.h"
#include "base/loop.h"
#include "certs/issuers.h"
#include "storage/storage.h"

namespace gatehouse::certs {

inline constexpr base::Duration kLeftoversAgain{3'600'000};

// Has the issuers remove it, at once and then every kLeftoversAgain until `over` is set. Tells once
// of notes that are of no provider of the configuration: nobody removes what they are about. All
// outlive the task.
base::Task<void> look_after_leftovers(Issuers& issuers, storage::Storage& storage,
                                      base::Event& over);

}  // namespace gatehouse::certs
