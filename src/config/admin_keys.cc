#include "config/admin_keys.h"

namespace gatehouse::config {

namespace {

const std::vector<Field<Admin>>& admin_fields() {
  static const std::vector<Field<Admin>> fields = {
      codec::field<&Admin::listen, codec::ListenAddress>("listen", "its address"),
  };
  return fields;
}

using AdminObject = codec::ObjectOf<Admin, admin_fields>;

}  // namespace

bool AdminOrFalse::read(Decoder& d, const Node& node, Admin& out) {
  if (node.kind == Node::Kind::kBool && !node.boolean) {
    out.enabled = false;
    return true;
  }
  if (node.kind != Node::Kind::kObject) return d.expected(node, "{\"listen\": ADDRESS} or false");
  if (node.find("listen") != nullptr) {
    out.written = true;
    out.listen = Address();
  }
  return AdminObject::read(d, node, out);
}

Schema AdminOrFalse::schema() {
  return {{"oneOf", Schema::array({AdminObject::schema(), {{"const", false}}})}};
}

}  // namespace gatehouse::config
