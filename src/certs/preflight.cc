#include "certs/preflight.h"

#include <ifaddrs.h>
#include <netinet/in.h>

#include <algorithm>

#include "certs/listed.h"

namespace gatehouse::certs {

namespace {

constexpr unsigned kNoError = 0;
constexpr unsigned kNoName = 3;  // NXDOMAIN

acme::Problem problem(std::string type, std::string detail) {
  acme::Problem out;
  out.type = std::move(type);
  out.detail = std::move(detail);
  return out;
}

// Of this machine's interfaces.
std::vector<std::string> own_addresses() {
  std::vector<std::string> own;
  ifaddrs* all = nullptr;
  if (::getifaddrs(&all) != 0) return own;
  for (const ifaddrs* one = all; one != nullptr; one = one->ifa_next) {
    if (one->ifa_addr == nullptr) continue;
    const int family = one->ifa_addr->sa_family;
    if (family != AF_INET && family != AF_INET6) continue;
    const socklen_t length = family == AF_INET ? sizeof(sockaddr_in) : sizeof(sockaddr_in6);
    own.push_back(base::Endpoint(one->ifa_addr, length).host());
  }
  ::freeifaddrs(all);
  return own;
}

}  // namespace

base::Task<base::Result<dns::Lookup>> Preflight::make_lookup() {
  if (!resolvers_.empty()) co_return dns::Lookup(loop_, resolvers_);
  auto read = [] { return base::Result<std::vector<base::Endpoint>>(dns::system_resolvers()); };
  auto resolvers = co_await blocking_.run(std::move(read));
  if (!resolvers) co_return base::fail(std::move(resolvers.error()));
  co_return dns::Lookup(loop_, std::move(*resolvers));
}

base::Task<Preflight::Look> Preflight::look(std::string name, bool by_address, CaaSubject subject,
                                            base::Deadline deadline) {
  Look seen;
  auto lookup = co_await make_lookup();
  if (!lookup) co_return seen;
  if (by_address) {
    Addresses addresses = co_await addresses_of(*lookup, name, deadline);
    if (addresses.no_name) {
      seen.objection = problem("dns", name + " does not exist in DNS (NXDOMAIN)");
    } else if (addresses.known && addresses.found.empty()) {
      seen.objection = problem("dns", name + " has neither an A nor an AAAA record");
    }
    seen.addresses = std::move(addresses.found);
  }
  if (!seen.objection) {
    seen.objection = co_await check_caa(*lookup, std::move(name), subject, deadline);
  }
  co_return seen;
}

base::Task<Preflight::Addresses> Preflight::addresses_of(dns::Lookup& lookup, std::string name,
                                                         base::Deadline deadline) {
  Addresses out;
  for (const dns::Type type : {dns::Type::kA, dns::Type::kAaaa}) {
    const auto answer = co_await lookup.ask(name, type, deadline);
    if (!answer) co_return out;
    out.no_name = answer->rcode == kNoName;
    if (answer->rcode != kNoError) co_return out;
    for (const dns::Record& record : answer->answers) {
      if (record.type == type) out.found.push_back(record.value);
    }
  }
  out.known = true;
  co_return out;
}

// Climbs from the name to the first ancestor that has any (RFC 8659 3). Aliases are followed by who
// is asked.
base::Task<std::optional<acme::Problem>> Preflight::check_caa(dns::Lookup& lookup, std::string name,
                                                              const CaaSubject& subject,
                                                              base::Deadline deadline) {
  const bool wildcard = name.starts_with("*.");
  std::string at = wildcard ? name.substr(2) : name;
  while (!at.empty()) {
    const auto answer = co_await lookup.ask(at, dns::Type::kCaa, deadline);
    if (!answer || (answer->rcode != kNoError && answer->rcode != kNoName)) co_return std::nullopt;
    std::vector<std::string> records;
    for (const dns::Record& record : answer->answers) {
      if (record.type == dns::Type::kCaa) records.push_back(record.value);
    }
    if (!records.empty()) {
      const std::string objection = caa_objection(records, wildcard, subject);
      if (objection.empty()) co_return std::nullopt;
      co_return problem("caa", "the CAA records at " + at + " forbid it for " + name + ": " +
                                   objection + "; this CA is " +
                                   listed(subject.identities, ", ", kShown));
    }
    at = dns::parent_of(at);
  }
  co_return std::nullopt;
}

base::Task<Preflight::Places> Preflight::elsewhere(std::vector<std::string> addresses) {
  Places places;
  auto look = [] { return base::Result<std::vector<std::string>>(own_addresses()); };
  auto own = co_await blocking_.run(std::move(look));
  if (!own) co_return places;
  places.own = std::move(*own);
  const bool here = std::ranges::any_of(addresses, [&](const std::string& one) {
    return std::ranges::find(places.own, one) != places.own.end();
  });
  if (!here) places.found = std::move(addresses);
  co_return places;
}

base::Task<std::string> Preflight::where(std::string name, base::Deadline deadline) {
  auto lookup = co_await make_lookup();
  if (!lookup) co_return std::string();
  Addresses addresses = co_await addresses_of(*lookup, name, deadline);
  const Places places = co_await elsewhere(std::move(addresses.found));
  if (places.found.empty()) co_return std::string();
  co_return name + " resolves to " + listed(places.found, ", ", kShown) +
      ", which is no address of this machine (" + listed(places.own, ", ", kShown) + ")";
}

}  // namespace gatehouse::certs
