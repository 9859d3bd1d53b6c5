#include "certs/challenge_choice.h"

#include <algorithm>

namespace gatehouse::certs {

namespace {

constexpr int kWorst = 3;

}  // namespace

// 0 is best, kWorst is worst.
int ChallengeChoice::rank(const std::string& name, acme::ChallengeType type) const {
  const auto remembered = names_.find(name);
  if (remembered != names_.end() && remembered->second == type) return 0;
  const auto failed = failed_.find(name);
  if (failed != failed_.end() && failed->second == type) return kWorst;
  return ever_failed_.contains(type) && !ever_worked_.contains(type) ? 2 : 1;
}

bool ChallengeChoice::any_by_dns() const {
  return std::ranges::any_of(types_, [this](acme::ChallengeType type) {
    const bool wildcards_only = type == acme::ChallengeType::kDns01 && dns_ == DnsUse::kWildcards;
    return acme::by_dns(type) && !wildcards_only;
  });
}

const acme::Challenge* ChallengeChoice::choose(const acme::Authorization& authorization,
                                               const TriedChallenges& tried) const {
  const std::string name = authorization.name();
  const auto found = tried.find(name);
  for (int wanted = 0; wanted <= kWorst; ++wanted) {
    for (const acme::ChallengeType type : types_) {
      if (rank(name, type) != wanted) continue;
      if (type == acme::ChallengeType::kDns01 && dns_ == DnsUse::kWildcards &&
          !authorization.wildcard) {
        continue;
      }
      if (found != tried.end() && found->second.contains(type)) continue;
      for (const acme::Challenge& challenge : authorization.challenges) {
        if (challenge.type == acme::name(type) && challenge.usable()) return &challenge;
      }
    }
  }
  return nullptr;
}

void ChallengeChoice::worked(const std::string& name, acme::ChallengeType type) {
  ever_worked_.insert(type);
  if (names_.size() >= kNames && !names_.contains(name)) names_.erase(names_.begin());
  names_[name] = type;
  failed_.erase(name);
}

void ChallengeChoice::failed(const std::string& name, acme::ChallengeType type) {
  ever_failed_.insert(type);
  if (failed_.size() >= kNames && !failed_.contains(name)) failed_.erase(failed_.begin());
  failed_[name] = type;
  const auto remembered = names_.find(name);
  if (remembered != names_.end() && remembered->second == type) names_.erase(remembered);
}

}  // namespace gatehouse::certs
