#include "config/issuer_keys.h"

namespace gatehouse::config {

using codec::field;

const std::vector<Field<Renewal>>& renewal_fields() {
  using Percent = codec::Optional<codec::Number<unsigned, 1, 99>>;
  static const std::vector<Field<Renewal>> fields = {
      field<&Renewal::ari, codec::Flag>("ari", "whether CAs are asked when to renew"),
      field<&Renewal::left_percent, Percent>("left_percent",
                                             "of the lifetime, when renewal begins"),
  };
  return fields;
}

}  // namespace gatehouse::config
