// Which site a name belongs to, and how that site gets its certificates.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "certs/issuer.h"

namespace gatehouse::certs {

enum class Source : std::uint8_t {
  kNone,      // a plain site
  kFiles,     // a certificate from files: nothing to obtain
  kManaged,   // obtained for each of the site's hosts at start
  kOnDemand,  // obtained for a name at its first handshake
};

// How a site gets certificates. `issuers` are tried in order and outlive it; empty: the default
// ones for the name.
struct SitePolicy {
  Source source = Source::kNone;
  std::vector<Issuer*> issuers;
  // With kManaged: the hosts that share one certificate, of which the first is its name here; null:
  // each host has its own.
  std::shared_ptr<const std::vector<std::string>> joint;
};

// Compiled once, then read from any thread. The most specific host wins: the name itself, then a
// wildcard of one label, then "*".
class HostRules {
 public:
  struct Match {
    std::string_view host;  // as in the site
    const SitePolicy* policy = nullptr;

    // What a certificate is obtained for: the first of the hosts that share one, the wildcard of a
    // managed wildcard site, else the name.
    std::string_view certificate_name(std::string_view name) const {
      if (policy->joint) return policy->joint->front();
      return policy->source == Source::kManaged ? host : name;
    }
    // The names of the certificate for `name`, certificate_name() first.
    std::vector<std::string> certificate_names(std::string_view name) const {
      if (policy->joint) return *policy->joint;
      return {std::string(certificate_name(name))};
    }
  };

  // `host`: in lower case; the first site that names it keeps it.
  void add(std::string host, SitePolicy policy);
  // The site of `name` (lower case), or a match without policy. Allocates nothing.
  Match find(std::string_view name) const;
  // Hosts of sites of kManaged but "*", in no order; of those that share a certificate the first.
  std::vector<std::string> managed() const { return hosts(Source::kManaged); }
  // The same of sites of that kind.
  std::vector<std::string> hosts(Source source) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view text) const {
      return std::hash<std::string_view>()(text);
    }
  };
  struct Entry {
    std::string host;
    SitePolicy policy;
  };
  using Map = std::unordered_map<std::string, Entry, Hash, std::equal_to<>>;

  Map exact_;
  Map wildcards_;  // "*.a.example" under ".a.example"
  std::optional<Entry> any_;
};

}  // namespace gatehouse::certs
