// The keys of upstreams: the action `proxy` in all its forms, and the named groups.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/codec.h"
#include "config/model.h"

namespace gatehouse::config {

// {"file": PATH, "key": PATH}.
const std::vector<Field<CertificateFiles>>& certificate_fields();
using CertificateFilesObject = codec::ObjectOf<CertificateFiles, certificate_fields>;

// A URL, a list of URLs, the name of a group (then only `group` is set), or a group in place.
struct ProxyAction {
  using Value = Proxy;
  static bool read(Decoder& d, const Node& node, Proxy& out);
  static Schema schema();
};

// {"NAME": {group}}.
struct UpstreamGroups {
  using Value = std::map<std::string, Proxy>;
  static bool read(Decoder& d, const Node& node, Value& out);
  static Schema schema();
};

// Copies named groups to where they are referred to. The configuration has been checked.
void resolve_groups(Config& config);

}  // namespace gatehouse::config
