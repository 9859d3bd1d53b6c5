// One certificate for several names: for which of them the next order is. A name that fails for
// good is left out, so that the others get theirs, and is tried again in its own time.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "certs/backoff.h"
#include "certs/issuer.h"
#include "tls/certificate.h"

namespace gatehouse::certs {

// Whether both lists hold the same names, in any order.
bool same_names(std::vector<std::string> a, std::vector<std::string> b);
// Whether a certificate is for each of the names.
bool covers_all(const tls::Certificate& certificate, const std::vector<std::string>& names);
// "a.example,b.example", for logs.
std::string joined(const std::vector<std::string>& names);

// `names` without those that are left out until a later moment. All of them when that leaves none.
std::vector<std::string> names_to_order(const std::vector<std::string>& names,
                                        const Failures& failures, base::WallTime now);

// Takes those that an issuer blamed off `names`, and notes in `failures` when each is tried again;
// writes a line for each. False, with nothing done, when it blamed none or all of them.
bool leave_out(std::vector<std::string>& names, const std::vector<NameError>& blamed,
               Failures& failures, base::WallTime now);

// The first moment at which a name that is left out is tried again.
std::optional<base::WallTime> next_of_left_out(const Failures& failures);

}  // namespace gatehouse::certs
