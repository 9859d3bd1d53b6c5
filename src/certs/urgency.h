// Whose order goes first where not all can go at once.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "tls/certificate_store.h"

namespace gatehouse::certs {

enum class Urgency : std::uint8_t {
  kHandshake,   // a visitor waits
  kExpiring,    // what is served is past its emergency line (certs/renewal_plan.h)
  kDue,         // a renewal in good time
  kBackground,  // nobody has asked for it yet
};
inline constexpr std::size_t kUrgencies = 4;

// What is due of a label (certs/key_types.h) at `now`, by what is served for it: never kHandshake.
Urgency urgency_of(std::string_view label, const tls::CertificateStore& certificates,
                   base::WallTime now);

}  // namespace gatehouse::certs
