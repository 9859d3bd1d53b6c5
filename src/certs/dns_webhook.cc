#include "certs/dns_webhook.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace gatehouse::certs {

DnsWebhook::DnsWebhook(DnsProviderParts parts, config::DnsWebhook options)
    : options_(std::move(options)),
      id_("webhook " + options_.url),
      api_({parts.loop, parts.blocking, parts.resolver}, options_.ca_file) {}

base::Task<base::Result<void>> DnsWebhook::add(std::string name, std::string value,
                                               base::Deadline deadline) {
  return post("present", std::move(name), std::move(value), deadline);
}

base::Task<base::Result<void>> DnsWebhook::remove(std::string name, std::string value,
                                                  base::Deadline deadline) {
  return post("cleanup", std::move(name), std::move(value), deadline);
}

base::Task<base::Result<void>> DnsWebhook::post(std::string word, std::string name,
                                                std::string value, base::Deadline deadline) {
  nlohmann::json document;
  document["fqdn"] = name + ".";
  document["value"] = value;
  http::Fields fields;
  if (!options_.token.empty()) fields.add("Authorization", "Bearer " + options_.token);
  std::string url = options_.url;
  url += url.ends_with('/') ? word : "/" + word;
  auto answer = co_await api_.post(std::move(url), std::move(fields), document.dump(), deadline);
  if (!answer) co_return base::fail(std::move(answer.error()));
  co_return base::Result<void>();
}

}  // namespace gatehouse::certs
