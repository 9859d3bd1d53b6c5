// Addresses behind which many clients may stand, so that a bound on one client must not count them
// as one.
#pragma once

#include <vector>

#include "base/ip_range.h"
#include "config/limits.h"

namespace gatehouse::proxy {

// Who is exempt from `bound`: `trusted_proxies` always, since they speak for others; and, unless
// the user wrote the bound, addresses of this machine and of private networks (RFC 1122 3.2.1.3,
// RFC 1918, RFC 6598, RFC 3927, RFC 4193, RFC 4291 2.4), since a load balancer or a container
// engine's proxy may have one of them.
std::vector<base::IpRange> exempt_from(const config::PerClient& bound,
                                       const std::vector<base::IpRange>& trusted_proxies);

}  // namespace gatehouse::proxy
