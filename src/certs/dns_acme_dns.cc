#include "certs/dns_acme_dns.h"

#include <nlohmann/json.hpp>
#include <utility>

namespace gatehouse::certs {

DnsAcmeDns::DnsAcmeDns(DnsProviderParts parts, config::DnsAcmeDns options)
    : options_(std::move(options)),
      id_("acme-dns " + options_.url + (registers() ? "" : " " + options_.subdomain)),
      api_({parts.loop, parts.blocking, parts.resolver}, options_.ca_file),
      accounts_(parts.storage, options_.url) {}

base::Task<base::Result<void>> DnsAcmeDns::prepare(std::string challenge, std::string place,
                                                   base::Deadline deadline) {
  if (!registers()) co_return base::Result<void>();
  const auto account = co_await accounts_.of(challenge, api_, deadline);
  if (!account) co_return base::fail(base::Error(account.error()));
  if (!http::equal_names(place, account->fulldomain)) {
    co_return base::fail(
        base::Code::kDenied, base::Side::kLocal, base::Retry::kYes,
        "set the record \"" + challenge + ". CNAME " + account->fulldomain +
            ".\", once and for good: it leads to the account that this name has at " +
            options_.url + ", and " +
            (place == challenge ? "there is no CNAME yet" : "now it leads to " + place));
  }
  if (prepared_.size() >= kAccounts) prepared_.erase(prepared_.begin());
  prepared_[place] = *account;
  co_return base::Result<void>();
}

base::Task<base::Result<void>> DnsAcmeDns::add(std::string name, std::string value,
                                               base::Deadline deadline) {
  AcmeDnsAccount account;
  const auto own = prepared_.find(name);
  if (own != prepared_.end()) {
    account = own->second;
  } else if (registers()) {
    co_return base::fail(base::Code::kOverload, base::Side::kLocal, base::Retry::kYes,
                         name + ": too many names are proved at once at " + options_.url);
  } else if (!name.starts_with(options_.subdomain + ".")) {
    co_return base::fail(base::Code::kDenied, base::Side::kLocal, base::Retry::kYes,
                         name + " must be a CNAME for the acme-dns account's name, which begins " +
                             "with " + options_.subdomain);
  } else {
    account.username = options_.username;
    account.password = options_.password;
    account.subdomain = options_.subdomain;
  }
  nlohmann::json document;
  document["subdomain"] = account.subdomain;
  document["txt"] = value;
  http::Fields fields;
  fields.add("X-Api-User", account.username);
  fields.add("X-Api-Key", account.password);
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
