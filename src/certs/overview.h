// How it stands with every certificate: what storage holds, what is served, what fails.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "certs/host_rules.h"
#include "certs/inventory.h"
#include "certs/issuers.h"
#include "certs/orders.h"
#include "certs/status.h"

namespace gatehouse::certs {

// On control's loop. Tells of a gatehouse that serves, or, where nothing was started, of what
// storage holds.
class Overview {
 public:
  static constexpr std::size_t kMostNames = 1'000'000;  // that are put into order; others are left
  static constexpr std::size_t kOthers = 16;            // of one label, by former issuers

  // Labels (certs/key_types.h), and of each who has signed a record of it that storage holds and is
  // named by the configuration no more.
  using Labels = std::map<std::string, std::vector<std::string>, std::less<>>;

  // All outlive it.
  struct Parts {
    const HostRules& rules;
    Issuers& issuers;
    Inventory& inventory;
    Orders& orders;
    Schedule& schedule;
    tls::CertificateStore& certificates;
    WallClock now;
    RenewalPolicy renewal;
    const bool& started;  // else nothing is served
  };

  explicit Overview(Parts parts) : parts_(std::move(parts)) {}
  Overview(const Overview&) = delete;
  Overview& operator=(const Overview&) = delete;

  // The labels that there is anything to say of. Errors: those of storage.
  base::Task<base::Result<Labels>> names();
  // At most `most` of them, after the label `after`. Errors: those of storage.
  base::Task<base::Result<StatusPage>> page(std::string after, std::size_t most);
  // Of one, and its others: a name that a wildcard covers is the wildcard's. Errors: kNotFound,
  // naming the nearest name; those of storage.
  base::Task<base::Result<CertificateStatus>> of(std::string name);

 private:
  bool is_former(const std::string& issuer) const;
  base::Task<base::Result<std::vector<std::string>>> former_issuers();
  base::Task<base::Result<CertificateStatus>> status(std::string label,
                                                     std::vector<std::string> former);
  base::Task<base::Result<std::vector<Record>>> records(const std::string& label,
                                                        std::vector<std::string> issuers);
  base::Task<base::Result<void>> fill_from_files(const std::string& label,
                                                 std::vector<std::string> issuers,
                                                 CertificateStatus& status);
  base::Task<base::Result<void>> fill_from_storage(const std::string& label,
                                                   std::vector<std::string> issuers,
                                                   CertificateStatus& status);
  CertificateStatus other(const Record& record, const CertificateStatus& status) const;
  base::Task<base::Result<CertificateStatus>> with_others(CertificateStatus status,
                                                          std::vector<std::string> former);
  base::Task<base::Result<void>> list(const std::string& issuer, Labels& labels);

  Parts parts_;
};

}  // namespace gatehouse::certs
