// The issuers that a configuration names: made once each, however many sites use them.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "certs/host_rules.h"
#include "certs/issuer.h"
#include "config/model.h"

namespace gatehouse::certs {

using IssuerFactory = std::function<std::unique_ptr<Issuer>(const config::Issuer&)>;

// On control's loop; the list itself does not change after construction.
class Issuers {
 public:
  Issuers(const config::Config& config, const IssuerFactory& make);

  // The issuers of a list in the configuration, in its order.
  std::vector<Issuer*> of(const std::vector<config::Issuer>& wanted) const;
  // Those that a certificate for `name` is ordered from: the site's, else those of `tls`, else the
  // internal CA for names that no public CA signs for and Let's Encrypt for all others. Without
  // those that cannot sign a wildcard, when `name` is one.
  std::vector<Issuer*> for_name(std::string_view name, const SitePolicy& policy) const;
  // The same for one certificate for all `names`, which are all such as public CAs sign for or
  // none.
  std::vector<Issuer*> for_names(const std::vector<std::string>& names,
                                 const SitePolicy& policy) const;
  // The ids of all, each once, sorted.
  std::vector<std::string> ids() const;
  // Has each remove what was left with others.
  base::Task<void> remove_leftovers();
  // Where in storage the notes of that lie.
  std::vector<std::string> leftovers() const;

 private:
  struct Made {
    config::Issuer wanted;
    std::unique_ptr<Issuer> issuer;
  };

  Issuer* add(const config::Issuer& wanted, const IssuerFactory& make);

  std::vector<Made> made_;
  std::vector<Issuer*> global_;
  Issuer* default_internal_ = nullptr;
  Issuer* default_public_ = nullptr;
};

// Which sites get certificates, and how, as the configuration says.
HostRules compile_rules(const config::Config& config, const Issuers& issuers);

}  // namespace gatehouse::certs
