#include "proxy/router.h"

#include <algorithm>

#include "base/endpoint.h"

namespace gatehouse::proxy {

PathPattern::PathPattern(std::string_view text) {
  if (text.starts_with('*')) {
    kind_ = Kind::kSuffix;
    text_ = text.substr(1);
  } else if (text.ends_with("/*")) {
    kind_ = Kind::kPrefix;
    text_ = text.substr(0, text.size() - 1);
  } else {
    kind_ = Kind::kExact;
    text_ = text;
  }
}

bool PathPattern::matches(std::string_view path) const {
  switch (kind_) {
    case Kind::kExact: return path == text_;
    // "/api/*" is for "/api" too: who writes the one means the other.
    case Kind::kPrefix:
      return path.starts_with(text_) || path == std::string_view(text_).substr(0, text_.size() - 1);
    case Kind::kSuffix: return path.ends_with(text_);
  }
  return false;
}

const CompiledRoute* CompiledSite::find(std::string_view path) const {
  for (const auto& route : routes) {
    const auto matches = [path](const PathPattern& pattern) { return pattern.matches(path); };
    if (route.paths.empty() || std::ranges::any_of(route.paths, matches)) return &route;
  }
  return nullptr;
}

Router::Router(const config::Config& config) {
  sites_.reserve(config.sites.size());  // `any_` points into it
  for (const auto& site : config.sites) {
    auto& compiled = sites_.emplace_back();
    compiled.tls = site.tls.enabled;
    compiled.client_auth = site.tls.client_auth;
    for (const auto& route : site.routes) {
      auto& made = compiled.routes.emplace_back();
      for (const auto& path : route.match.path) made.paths.emplace_back(path);
      made.action = &route.action;
    }
    for (const auto& host : site.hosts) {
      if (host == "*") {
        any_ = &compiled;
      } else if (host.starts_with("*.")) {
        wildcard_.emplace(host.substr(1), sites_.size() - 1);
      } else {
        exact_.emplace(host, sites_.size() - 1);
        if (site.tls.enabled && base::is_ip_literal(host)) addresses_.push_back(host);
      }
    }
  }
}

std::string_view Router::host_at(std::string_view address) const {
  if (addresses_.size() == 1) return addresses_.front();
  const auto found = std::ranges::find(addresses_, address);
  return found == addresses_.end() ? std::string_view() : std::string_view(*found);
}

const CompiledSite* Router::find(std::string_view host) const {
  // An empty map would hash the name for nothing.
  if (const auto found = exact_.empty() ? exact_.end() : exact_.find(host); found != exact_.end())
    return &sites_[found->second];
  if (const auto dot = host.find('.'); dot != std::string_view::npos && !wildcard_.empty()) {
    const auto found = wildcard_.find(host.substr(dot));
    if (found != wildcard_.end()) return &sites_[found->second];
  }
  return any_;
}

}  // namespace gatehouse::proxy
