// A program of the user's sets the records: PROGRAM present|cleanup FQDN VALUE, as
// docs/configuration.md promises it.
#pragma once

#include "certs/dns_provider.h"

namespace gatehouse::certs {

class DnsCommand : public DnsProvider {
 public:
  DnsCommand(DnsProviderParts parts, config::DnsCommand options);

  const std::string& id() const override { return id_; }
  base::Task<base::Result<void>> add(std::string name, std::string value,
                                     base::Deadline deadline) override;
  base::Task<base::Result<void>> remove(std::string name, std::string value,
                                        base::Deadline deadline) override;

 private:
  base::Task<base::Result<void>> run(std::string word, std::string name, std::string value,
                                     base::Deadline deadline);

  DnsProviderParts parts_;
  config::DnsCommand options_;
  std::string id_;
};

}  // namespace gatehouse::certs
