// Which challenge an order tries first, learnt from how earlier ones ended: behind a proxy that
// terminates TLS one type never works, behind a closed port 80 the other.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "acme/authorization.h"

namespace gatehouse::certs {

// Types that have failed for names (as ordered), within one attempt to get a certificate.
using TriedChallenges = std::map<std::string, std::set<acme::ChallengeType>, std::less<>>;

// Which names dns-01 is used for, where it can be: a wildcard has no other (RFC 8555 7.1.4).
enum class DnsUse : std::uint8_t { kAll, kWildcards };

// Memory only; what outlives a restart is ChallengeMemory's. One loop, its thread.
class ChallengeChoice {
 public:
  static constexpr std::size_t kNames = 10'000;  // remembered; beyond, any one is forgotten

  // `types` can be answered here, in order of preference.
  explicit ChallengeChoice(std::vector<acme::ChallengeType> types, DnsUse dns = DnsUse::kAll)
      : types_(std::move(types)), dns_(dns) {}

  const std::vector<acme::ChallengeType>& types() const { return types_; }

  // Whether a name that is no wildcard may go by DNS.
  bool any_by_dns() const;

  // The challenge to try next, or null when the CA offers none that is left: first the type that
  // worked for this name, then those that have not only ever failed, last the one that failed last
  // for this name.
  const acme::Challenge* choose(const acme::Authorization& authorization,
                                const TriedChallenges& tried) const;

  void worked(const std::string& name, acme::ChallengeType type);
  void failed(const std::string& name, acme::ChallengeType type);

 private:
  int rank(const std::string& name, acme::ChallengeType type) const;

  std::vector<acme::ChallengeType> types_;
  DnsUse dns_;
  std::unordered_map<std::string, acme::ChallengeType> names_;   // what worked
  std::unordered_map<std::string, acme::ChallengeType> failed_;  // what failed last
  std::set<acme::ChallengeType> ever_worked_;
  std::set<acme::ChallengeType> ever_failed_;
};

}  // namespace gatehouse::certs
