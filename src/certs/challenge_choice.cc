#include "certs/challenge_choice.h"

namespace gatehouse::certs {

// 0 is best, 2 is worst.
int ChallengeChoice::rank(const std::string& name, acme::ChallengeType type) const {
  const auto remembered = names_.find(name);
  if (remembered != names_.end() && remembered->second == type) return 0;
  return ever_failed_.contains(type) && !ever_worked_.contains(type) ? 2 : 1;
}

const acme::Challenge* ChallengeChoice::choose(const acme::Authorization& authorization,
                                               const TriedChallenges& tried) const {
  const std::string name = authorization.name();
  const auto found = tried.find(name);
  for (int wanted = 0; wanted <= 2; ++wanted) {
    for (const acme::ChallengeType type : types_) {
      if (rank(name, type) != wanted) continue;
      if (type == acme::ChallengeType::kDns01 && dns_ == DnsUse::kWildcards &&
          !authorization.wildcard) {
        continue;
      }
      if (found != tried.end() && found->second.contains(type)) continue;
      for (const acme::Challenge& challenge : authorization.challenges) {
        if (challenge.type == acme::name(type) && !challenge.token.empty()) return &challenge;
      }
    }
  }
  return nullptr;
}

void ChallengeChoice::worked(const std::string& name, acme::ChallengeType type) {
  ever_worked_.insert(type);
  if (names_.size() >= kNames && !names_.contains(name)) names_.erase(names_.begin());
  names_[name] = type;
}

void ChallengeChoice::failed(const std::string& name, acme::ChallengeType type) {
  ever_failed_.insert(type);
  const auto remembered = names_.find(name);
  if (remembered != names_.end() && remembered->second == type) names_.erase(remembered);
}

}  // namespace gatehouse::certs
