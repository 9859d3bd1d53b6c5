#include "config/upstream_keys.h"

namespace gatehouse::config {

namespace {

using codec::field;
using codec::List;
using codec::ObjectOf;
using codec::Text;

const std::vector<Field<UpstreamTls>>& tls_fields() {
  using Certificate = codec::Optional<CertificateFilesObject>;
  static const std::vector<Field<UpstreamTls>> fields = {
      field<&UpstreamTls::ca_file, Text>("ca_file", "PEM roots, instead of the system's"),
      field<&UpstreamTls::server_name, Text>("server_name", "instead of the URL's host"),
      field<&UpstreamTls::client_certificate, Certificate>("client_certificate",
                                                           "by which we show who we are"),
      field<&UpstreamTls::insecure, codec::Flag>("insecure", "take any certificate"),
  };
  return fields;
}

const std::vector<Field<Keepalive>>& keepalive_fields() {
  using Count = codec::Number<std::uint32_t, 0, 65'536>;
  static const std::vector<Field<Keepalive>> fields = {
      field<&Keepalive::connections, Count>("connections", "idle ones kept; 0: none"),
      field<&Keepalive::idle, codec::Duration>("idle", "how long at most"),
  };
  return fields;
}

const std::vector<Field<Proxy>>& group_fields() {
  using Version = codec::Number<std::uint8_t, 1, 2>;
  static const std::vector<Field<Proxy>> fields = {
      field<&Proxy::servers, List<codec::ServerUrl, true>>("servers", "URLs"),
      field<&Proxy::tls, ObjectOf<UpstreamTls, tls_fields>>("tls", "of https servers"),
      field<&Proxy::proxy_protocol, Version>("proxy_protocol", "version of the PROXY header sent"),
      field<&Proxy::keepalive, ObjectOf<Keepalive, keepalive_fields>>("keepalive",
                                                                      "idle connections"),
  };
  return fields;
}

bool read_group(Decoder& d, const Node& node, Proxy& out) {
  if (!read_object<Proxy>(d, node, group_fields(), out)) return false;
  const auto* servers = node.find("servers");
  if (servers == nullptr) {
    d.wrong(node, "expected the key \"servers\"");
    return false;
  }
  if (servers->kind != Node::Kind::kList || !servers->items.empty()) return true;
  Decoder::At at(d, "servers");
  return d.expected(*servers, "one upstream at least");
}

Schema group_schema() {
  auto schema = object_schema<Proxy>(group_fields());
  schema["required"] = Schema::array({"servers"});
  return schema;
}

bool is_group_name(std::string_view text) {
  return !text.empty() && text.find_first_of(":/${}") == std::string_view::npos;
}

}  // namespace

const std::vector<Field<CertificateFiles>>& certificate_fields() {
  static const std::vector<Field<CertificateFiles>> fields = {
      field<&CertificateFiles::file, Text>("file", "PEM chain, leaf first"),
      field<&CertificateFiles::key, Text>("key", "PEM private key"),
  };
  return fields;
}

bool ProxyAction::read(Decoder& d, const Node& node, Proxy& out) {
  if (node.kind == Node::Kind::kObject) return read_group(d, node, out);
  if (node.kind == Node::Kind::kString && is_group_name(node.text)) {
    out.group = node.text;
    return true;
  }
  if (!List<codec::ServerUrl, true>::read(d, node, out.servers)) return false;
  if (out.servers.empty()) return d.expected(node, "one upstream at least");
  return true;
}

Schema ProxyAction::schema() {
  const Schema list = {{"type", "array"}, {"items", codec::ServerUrl::schema()}, {"minItems", 1}};
  const Schema name = {{"type", "string"}, {"pattern", "^[^:/${}]+$"}};
  return {{"oneOf", Schema::array({codec::ServerUrl::schema(), list, name, group_schema()})}};
}

bool UpstreamGroups::read(Decoder& d, const Node& node, Value& out) {
  if (node.kind != Node::Kind::kObject) return d.expected(node, "an object");
  bool fine = true;
  for (const auto& member : node.members) {
    Decoder::At at(d, member.key);
    if (!is_group_name(member.key)) {
      d.wrong(member.value, "a group's name has none of \":/${}\", so that no URL looks like it");
      fine = false;
    }
    fine = read_group(d, member.value, out[member.key]) && fine;
  }
  return fine;
}

Schema UpstreamGroups::schema() {
  return {{"type", "object"}, {"additionalProperties", group_schema()}};
}

void resolve_groups(Config& config) {
  for (auto& site : config.sites) {
    for (auto& route : site.routes) {
      auto* const proxy = std::get_if<Proxy>(&route.action);
      if (proxy == nullptr || proxy->group.empty()) continue;
      auto group = config.upstreams.at(proxy->group);
      group.group = std::move(proxy->group);
      *proxy = std::move(group);
    }
  }
}

}  // namespace gatehouse::config
