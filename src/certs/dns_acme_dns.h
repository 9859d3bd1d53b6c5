// A server that does nothing but hold values of dns-01 (github.com/joohoi/acme-dns), to which
// _acme-challenge names lead by CNAME. By the account that the configuration has there; where it
// has none, by one for each name, which is registered.
#pragma once

#include <map>

#include "certs/acme_dns_accounts.h"
#include "certs/dns_provider.h"
#include "certs/json_api.h"

namespace gatehouse::certs {

class DnsAcmeDns : public DnsProvider {
 public:
  // What is held for names whose own accounts are in use.
  static constexpr std::size_t kAccounts = 8192;

  DnsAcmeDns(DnsProviderParts parts, config::DnsAcmeDns options);

  const std::string& id() const override { return id_; }
  // It keeps the last two values of an account: for a name and its wildcard. Two of each of as many
  // accounts as are held.
  std::size_t most_values() const override { return registers() ? 2 * kAccounts : 2; }
  // Where the configuration has no account, finds that of `challenge`, or registers one. Errors:
  // those of AcmeDnsAccounts; kDenied with the CNAME record that is to be set, when `place` is not
  // where it would lead.
  base::Task<base::Result<void>> prepare(std::string challenge, std::string place,
                                         base::Deadline deadline) override;
  // Errors besides those of JsonApi: kDenied when `name` is not the account's, so that a CNAME
  // record is missing; kOverload when the account of `name` is held no more.
  base::Task<base::Result<void>> add(std::string name, std::string value,
                                     base::Deadline deadline) override;
  // Its API has no word for that: a value goes when others come.
  base::Task<base::Result<void>> remove(std::string name, std::string value,
                                        base::Deadline deadline) override;

 private:
  bool registers() const { return options_.subdomain.empty(); }

  config::DnsAcmeDns options_;
  std::string id_;
  JsonApi api_;
  AcmeDnsAccounts accounts_;
  std::map<std::string, AcmeDnsAccount> prepared_;  // by where their values stand
};

}  // namespace gatehouse::certs
