// newOrder with fields that a CA need not take: what it refuses is left out at a second try, rather
// than that a name goes without a certificate.
#pragma once

#include <string>
#include <vector>

#include "acme/client.h"
#include "acme/order.h"
#include "base/clock.h"

namespace gatehouse::certs {

// Places the order. `replaces` is left out where the directory has no renewal information, and
// cleared in `wanted` once the CA has refused it. Failures: those of acme::new_order.
base::Task<acme::Outcome<acme::Order>> place_order(acme::Client& client,
                                                   const acme::Account& account,
                                                   acme::NewOrder& wanted, base::Deadline deadline);

}  // namespace gatehouse::certs
