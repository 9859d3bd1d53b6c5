#include "certs/dns_acme_dns.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace gatehouse::certs {

DnsAcmeDns::DnsAcmeDns(DnsProviderParts parts, config::DnsAcmeDns options)
    : options_(std::move(options)),
      id_("acme-dns " + options_.url + " " + options_.subdomain),
      api_({parts.loop, parts.blocking, parts.resolver}, options_.ca_file) {}

base::Task<base::Result<void>> DnsAcmeDns::add(std::string name, std::string value,
                                               base::Deadline deadline) {
  if (!name.starts_with(options_.subdomain + ".")) {
    co_return base::fail(base::Code::kDenied, base::Side::kLocal, base::Retry::kYes,
                         name + " must be a CNAME for the acme-dns account's name, which begins " +
                             "with " + options_.subdomain);
  }
  nlohmann::json document;
  document["subdomain"] = options_.subdomain;
  document["txt"] = value;
  http::Fields fields;
  fields.add("X-Api-User", options_.username);
  fields.add("X-Api-Key", options_.password);
  std::string url = options_.url;
  url += url.ends_with('/') ? "update" : "/update";
  auto answer = co_await api_.post(std::move(url), std::move(fields), document.dump(), deadline);
  if (!answer) co_return base::fail(std::move(answer.error()));
  co_return base::Result<void>();
}

base::Task<base::Result<void>> DnsAcmeDns::remove(std::string, std::string, base::Deadline) {
  co_return base::Result<void>();
}

}  // namespace gatehouse::certs
