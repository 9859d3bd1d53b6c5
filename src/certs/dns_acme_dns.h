// A server that does nothing but hold values of dns-01 (github.com/joohoi/acme-dns), to which
// _acme-challenge names lead by CNAME.
#pragma once

#include "certs/dns_provider.h"
#include "certs/json_api.h"

namespace gatehouse::certs {

class DnsAcmeDns : public DnsProvider {
 public:
  DnsAcmeDns(DnsProviderParts parts, config::DnsAcmeDns options);

  const std::string& id() const override { return id_; }
  // It keeps the last two values of an account.
  std::size_t most_values() const override { return 2; }
  // Errors besides those of JsonApi: kDenied when `name` is not the account's, so that a CNAME
  // record is missing.
  base::Task<base::Result<void>> add(std::string name, std::string value,
                                     base::Deadline deadline) override;
  // Its API has no word for that: a value goes when others come.
  base::Task<base::Result<void>> remove(std::string name, std::string value,
                                        base::Deadline deadline) override;

 private:
  config::DnsAcmeDns options_;
  std::string id_;
  JsonApi api_;
};

}  // namespace gatehouse::certs
