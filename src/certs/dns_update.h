// The zone's own server is told by DNS itself: RFC 2136, signed with TSIG.
#pragma once

#include "certs/dns_provider.h"
#include "dns/update.h"

namespace gatehouse::certs {

class DnsUpdate : public DnsProvider {
 public:
  DnsUpdate(DnsProviderParts parts, config::DnsUpdate options);

  const std::string& id() const override { return id_; }
  base::Task<base::Result<void>> add(std::string name, std::string value,
                                     base::Deadline deadline) override;
  base::Task<base::Result<void>> remove(std::string name, std::string value,
                                        base::Deadline deadline) override;

 private:
  base::Task<base::Result<void>> change(dns::Change change, std::string name, std::string value,
                                        base::Deadline deadline);

  DnsProviderParts parts_;
  config::DnsUpdate options_;
  std::string id_;
};

}  // namespace gatehouse::certs
