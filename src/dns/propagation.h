// Waits until what was set in a zone is seen at every server of it.
#pragma once

#include <string>
#include <vector>

#include "dns/lookup.h"

namespace gatehouse::dns {

inline constexpr base::Duration kLookAgain{2'000};

// Asks each server for the TXT records at `name`, at once and then every kLookAgain, until each has
// shown `value` once. Errors: kTimeout at the deadline, telling what is missing where.
base::Task<base::Result<void>> await_txt(base::Loop& loop, std::vector<NameServer> servers,
                                         std::string name, std::string value,
                                         base::Deadline deadline);

}  // namespace gatehouse::dns
