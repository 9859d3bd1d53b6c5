#include "config/issuer_keys.h"

#include "config/known_cas.h"

namespace gatehouse::config {

using codec::field;

namespace {

constexpr std::pair<std::string_view, bool> kModes[] = {{"require", true}, {"prefer", false}};

constexpr std::pair<std::string_view, bool> kChanges[] = {{"replace", true}, {"at_renewal", false}};

const std::vector<Field<Profile>>& profile_fields() {
  static const std::vector<Field<Profile>> fields = {
      field<&Profile::name, codec::Text>("name", "as the CA's directory lists it"),
      field<&Profile::required, codec::Word<kModes>>("mode", "what if the CA does not have it"),
  };
  return fields;
}

}  // namespace

const std::vector<Field<Renewal>>& renewal_fields() {
  using Percent = codec::Optional<codec::Number<unsigned, 1, 99>>;
  static const std::vector<Field<Renewal>> fields = {
      field<&Renewal::ari, codec::Flag>("ari", "whether CAs are asked when to renew"),
      field<&Renewal::left_percent, Percent>("left_percent",
                                             "of the lifetime, when renewal begins"),
      field<&Renewal::replace_former, codec::Word<kChanges>>(
          "on_issuer_change", "when other issuers than those before sign anew"),
      field<&Renewal::reuse_key, codec::Flag>("reuse_key", "whether a certificate keeps its key"),
  };
  return fields;
}

bool ProfileName::read(Decoder& d, const Node& node, Profile& out) {
  if (node.kind == Node::Kind::kString) return d.string(node, out.name);
  if (node.kind != Node::Kind::kObject) {
    return d.expected(node, "a profile's name, or {\"name\": …, \"mode\": …}");
  }
  if (!read_object<Profile>(d, node, profile_fields(), out)) return false;
  if (node.find("name") != nullptr) return true;
  d.wrong(node, "expected the key \"name\"");
  return false;
}

Schema ProfileName::schema() {
  auto object = object_schema<Profile>(profile_fields());
  object["required"] = Schema::array({"name"});
  return {{"oneOf", Schema::array({codec::Text::schema(), object})}};
}

bool CaName::read(Decoder& d, const Node& node, std::string& out) {
  if (!d.string(node, out)) return false;
  if (find_known_ca(out) != nullptr) return true;
  std::string all;
  for (const KnownCa& ca : known_cas()) {
    all += (all.empty() ? "\"" : ", \"") + std::string(ca.name) + "\"";
  }
  return d.expected(node, "one of " + all + ", or a \"directory\" instead of \"ca\"");
}

Schema CaName::schema() {
  Schema names = Schema::array();
  for (const KnownCa& ca : known_cas()) names.push_back(ca.name);
  const Schema variable = {{"type", "string"}, {"pattern", "\\$\\{"}};
  return {{"anyOf", Schema::array({{{"enum", names}}, variable})}};
}

}  // namespace gatehouse::config
