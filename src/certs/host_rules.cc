#include "certs/host_rules.h"

#include "certs/name_pattern.h"

namespace gatehouse::certs {

void HostRules::add(std::string host, SitePolicy policy) {
  if (host == "*") {
    if (!any_) any_ = Entry{host, std::move(policy)};
    return;
  }
  const bool wildcard = host.starts_with("*.");
  Map& map = wildcard ? wildcards_ : exact_;
  std::string key = wildcard ? host.substr(1) : host;
  map.try_emplace(std::move(key), Entry{std::move(host), std::move(policy)});
}

HostRules::Match HostRules::find(std::string_view name) const {
  auto found = exact_.find(name);
  if (found != exact_.end()) return {found->second.host, &found->second.policy};
  const std::string_view suffix = parent_suffix(name);
  if (!suffix.empty()) {
    found = wildcards_.find(suffix);
    if (found != wildcards_.end()) return {found->second.host, &found->second.policy};
  }
  if (any_) return {any_->host, &any_->policy};
  return {};
}

std::vector<std::string> HostRules::hosts(Source source) const {
  std::vector<std::string> hosts;
  for (const Map* map : {&exact_, &wildcards_}) {
    for (const auto& [key, entry] : *map) {
      const auto& joint = entry.policy.joint;
      if (entry.policy.source != source) continue;
      if (!joint || joint->front() == entry.host) hosts.push_back(entry.host);
    }
  }
  return hosts;
}

}  // namespace gatehouse::certs
