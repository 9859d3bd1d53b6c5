#include "proxy/upstream_contexts.h"

#include <algorithm>

#include "certs/startup.h"

namespace gatehouse::proxy {

namespace {

// server_name is of each connection, not of the context.
std::string key_of(const config::UpstreamTls& tls, bool http2) {
  std::string key = tls.ca_file;
  key += '\n';
  if (tls.client_certificate) {
    key += tls.client_certificate->file + '\n' + tls.client_certificate->key;
  }
  key += tls.insecure ? "\ninsecure" : "\n";
  if (http2) key += " h2";
  return key;
}

bool any_https(const config::Proxy& group) {
  return std::ranges::any_of(group.servers, [](const config::UpstreamServer& one) {
    return one.scheme == config::UpstreamServer::Scheme::kHttps;
  });
}

// All that is wrong is told at once: a line each.
void note(std::string& wrong, const std::string& place, const base::Result<void>& added) {
  if (added) return;
  if (!wrong.empty()) wrong += "\n";
  wrong += place + "/tls: " + added.error().detail;
}

}  // namespace

base::Result<void> UpstreamContexts::add(const config::UpstreamTls& tls, bool http2) {
  auto& context = contexts_[key_of(tls, http2)];
  if (context) return {};
  tls::ClientOptions options;
  options.ca_file = tls.ca_file;
  options.system_roots = tls.ca_file.empty() && !tls.insecure;
  options.insecure = tls.insecure;
  if (http2) options.alpn = {"h2", "http/1.1"};
  if (tls.client_certificate) {
    auto certificate = certs::read_certificate_files(*tls.client_certificate);
    if (!certificate) return base::fail(std::move(certificate.error()));
    options.certificate = std::move(*certificate);
  }
  auto made = tls::ClientContext::make(std::move(options));
  if (!made) return base::fail(std::move(made.error()));
  context = std::move(*made);
  return {};
}

base::Result<void> UpstreamContexts::add(const config::Proxy& group) {
  if (!any_https(group)) return {};
  auto added = add(group.tls, true);
  // WebSockets go over HTTP/1.1 alone.
  if (added) added = add(group.tls, false);
  return added;
}

base::Result<std::unique_ptr<UpstreamContexts>> UpstreamContexts::load(
    const config::Config& config) {
  auto all = std::make_unique<UpstreamContexts>();
  std::string wrong;
  for (const auto& [name, group] : config.upstreams) {
    note(wrong, "/upstreams/" + name, all->add(group));
  }
  for (std::size_t s = 0; s < config.sites.size(); ++s) {
    const auto& routes = config.sites[s].routes;
    for (std::size_t r = 0; r < routes.size(); ++r) {
      const auto* group = std::get_if<config::Proxy>(&routes[r].action);
      if (group == nullptr || !group->group.empty()) continue;
      auto place = "/sites/" + std::to_string(s);
      if (routes.size() > 1) place += "/routes/" + std::to_string(r);
      note(wrong, place + "/proxy", all->add(*group));
    }
  }
  if (!wrong.empty()) return base::fail(base::Code::kMalformed, std::move(wrong));
  return all;
}

tls::ClientContext* UpstreamContexts::find(const config::UpstreamTls& tls, bool http2) const {
  const auto found = contexts_.find(key_of(tls, http2));
  return found == contexts_.end() ? nullptr : found->second.get();
}

}  // namespace gatehouse::proxy
