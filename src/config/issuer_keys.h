// The keys of what is said of issuers, beside the tables in tls_keys.cc.
#pragma once

#include "config/codec.h"
#include "config/model.h"

namespace gatehouse::config {

// tls.renewal.
const std::vector<Field<Renewal>>& renewal_fields();
using RenewalObject = codec::ObjectOf<Renewal, renewal_fields>;

// "NAME", or {"name": NAME, "mode": "require" | "prefer"}.
struct ProfileName {
  using Value = Profile;
  static bool read(Decoder& d, const Node& node, Profile& out);
  static Schema schema();
};

// A name in known_cas().
struct CaName {
  using Value = std::string;
  static bool read(Decoder& d, const Node& node, std::string& out);
  static Schema schema();
};

}  // namespace gatehouse::config
