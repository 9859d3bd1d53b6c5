// The user's own HTTP service sets the records, as docs/configuration.md promises it.
#pragma once

#include "certs/dns_provider.h"
#include "certs/json_api.h"

namespace gatehouse::certs {

class DnsWebhook : public DnsProvider {
 public:
  DnsWebhook(DnsProviderParts parts, config::DnsWebhook options);

  const std::string& id() const override { return id_; }
  base::Task<base::Result<void>> add(std::string name, std::string value,
                                     base::Deadline deadline) override;
  base::Task<base::Result<void>> remove(std::string name, std::string value,
                                        base::Deadline deadline) override;

 private:
  base::Task<base::Result<void>> post(std::string word, std::string name, std::string value,
                                      base::Deadline deadline);

  config::DnsWebhook options_;
  std::string id_;
  JsonApi api_;
};

}  // namespace gatehouse::certs
