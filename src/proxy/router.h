// From a host and a path to what is to be done: the sites of a configuration, compiled. Immutable;
// any thread; look-ups allocate nothing.
#pragma once

#include <boost/unordered/unordered_flat_map.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/model.h"

namespace gatehouse::proxy {

// A route's pattern of paths: "/exact", "/prefix/*" or "*.ext".
class PathPattern {
 public:
  explicit PathPattern(std::string_view text);
  // `path` is the normalised one (http/target.h).
  bool matches(std::string_view path) const;

 private:
  enum class Kind : std::uint8_t { kExact, kPrefix, kSuffix };
  Kind kind_;
  std::string text_;
};

struct CompiledRoute {
  std::vector<PathPattern> paths;          // empty: every path
  const config::Action* action = nullptr;  // in the configuration that the router was made from
};

struct CompiledSite {
  bool tls = true;
  std::optional<config::ClientAuth> client_auth;
  std::vector<CompiledRoute> routes;

  // The first route that matches, or null.
  const CompiledRoute* find(std::string_view path) const;
};

class Router {
 public:
  // `config` must outlive the router.
  explicit Router(const config::Config& config);

  // The site for `host` (lower case, no port): exact, else one wildcard label, else "*"; or null.
  const CompiledSite* find(std::string_view host) const;
  // The host that a client means who has connected to `address` and names none: that address, or
  // the only address that is a host of a site with TLS, since behind a NAT we do not see which one
  // the client knows. Empty when there is none.
  std::string_view host_at(std::string_view address) const;

 private:
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const {
      return std::hash<std::string_view>()(name);
    }
  };
  using Hosts = boost::unordered_flat_map<std::string, std::size_t, Hash, std::equal_to<>>;

  std::vector<CompiledSite> sites_;
  Hosts exact_;
  Hosts wildcard_;  // by what follows the first label, with its dot
  const CompiledSite* any_ = nullptr;
  std::vector<std::string> addresses_;  // hosts of sites with TLS
};

}  // namespace gatehouse::proxy
