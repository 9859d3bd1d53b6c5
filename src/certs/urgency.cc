#include "certs/urgency.h"

#include <string>

#include "certs/key_types.h"
#include "certs/renewal_plan.h"

namespace gatehouse::certs {

Urgency urgency_of(std::string_view label, const tls::CertificateStore& certificates,
                   base::WallTime now) {
  const std::string name(name_of_label(label));
  const tls::KeyKinds keys = is_rsa_label(label) ? tls::kRsaKeys : tls::kAllKeys;
  const auto served = certificates.find_exact(name, keys);
  if (!served) return Urgency::kBackground;
  const tls::LeafFacts& leaf = served->leaf();
  const RenewalDates dates{name, leaf.not_before, leaf.not_after, leaf.not_before};
  return now >= emergency_line(dates) ? Urgency::kExpiring : Urgency::kDue;
}

}  // namespace gatehouse::certs
