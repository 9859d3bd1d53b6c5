// newOrder with fields that a CA need not take: what it refuses is left out at a second try, rather
// than that a name goes without a certificate.
#pragma once

#include <string>
#include <vector>

#include "acme/client.h"
#include "acme/order.h"
#include "base/clock.h"

namespace gatehouse::certs {

// Places the order. A profile that the directory does not list, or that the CA refuses, is left out
// unless `profile_required`: then it is an error that says which there are. `replaces` is left out
// where the directory has no renewal information, and cleared in `wanted` once the CA has refused
// it. Failures: kUnsupported for such a profile, and those of acme::new_order.
base::Task<acme::Outcome<acme::Order>> place_order(acme::Client& client,
                                                   const acme::Account& account,
                                                   acme::NewOrder& wanted, bool profile_required,
                                                   base::Deadline deadline);

}  // namespace gatehouse::certs
