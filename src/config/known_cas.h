// The public CAs that a configuration can call by name, and what each wants of its customers.
#pragma once

#include <span>
#include <string_view>

#include "config/model.h"

namespace gatehouse::config {

struct KnownCa {
  std::string_view name;       // "ca" in the configuration
  std::string_view title;      // for people
  std::string_view directory;  // URL
  std::string_view rsa;        // the directory for RSA keys; empty: the same
  bool eab;                    // accounts belong to customers: external account binding
  bool email;                  // an account needs a contact
  std::string_view get_eab;    // where a customer finds what `eab` takes
  // The only profile in which it signs for IP addresses; empty: that takes none.
  std::string_view address_profile = {};
};

std::span<const KnownCa> known_cas();
// By name, or by directory; null when there is none.
const KnownCa* find_known_ca(std::string_view name);
const KnownCa* find_known_ca_at(std::string_view directory);

// Puts the directory where issuers name a CA. The configuration has been checked.
void resolve_cas(Config& config);

}  // namespace gatehouse::config
