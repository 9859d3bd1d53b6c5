// The keys of `tls`: who issues certificates, for which names, and what they are like.
#pragma once

#include "config/codec.h"
#include "config/model.h"

namespace gatehouse::config {

// {"acme": {…}} or {"internal": {…}}.
struct IssuerObject {
  using Value = Issuer;
  static bool read(Decoder& d, const Node& node, Issuer& out);
  static Schema schema();
};

const std::vector<Field<Tls>>& tls_fields();
using TlsObject = codec::ObjectOf<Tls, tls_fields>;

}  // namespace gatehouse::config
