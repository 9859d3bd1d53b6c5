// How it stands with the certificate of a name, for people and their programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "certs/host_rules.h"

namespace gatehouse::certs {

enum class Standing : std::uint8_t {
  kServed,    // and valid
  kOrdering,  // an order is under way, whatever is served meanwhile
  kStored,    // valid, and loaded when it is needed; of others: while there is nothing better
  kExpired,
  kRevoked,  // and not served
  kFailed,   // there is none: the last order failed
  kMissing,  // there is none, and none has been ordered
};
// "served", …
std::string_view name(Standing standing);

// "managed", "on_demand", "files", or "none": no site of the configuration wants the name.
std::string_view name(Source source);

struct CertificateStatus {
  std::string name;  // "*.a.example" too
  Source source = Source::kNone;
  Standing standing = Standing::kMissing;

  // Of the certificate, when there is one:
  std::vector<std::string> names;  // in it
  std::string issuer;              // Issuer::id(); empty when it is from files
  bool former_issuer = false;      // the configuration does not name it (any more)
  bool revoked = false;            // as storage has it
  std::string issued_by;           // as the certificate says
  std::string serial;
  std::string key_type;  // "p256", "rsa2048", …
  std::optional<base::WallTime> not_before;
  std::optional<base::WallTime> not_after;
  std::optional<base::WallTime> renewal;
  std::optional<base::WallTime> stapled_until;  // its OCSP response, by this process

  // Of orders that failed since the last one that did not:
  unsigned failures = 0;
  std::string last_error;
  std::optional<base::WallTime> next_attempt;

  // What storage holds of the name besides, by former issuers (Overview::kOthers at most) or from
  // before it had files; and where one name was asked for that has two certificates, the other.
  std::vector<CertificateStatus> others;
};

// A part of all, in the order of the names.
struct StatusPage {
  std::vector<CertificateStatus> certificates;
  std::string next;  // the label to go on after; empty: that was the end
};

// What came of an instruction for one name.
struct NameOutcome {
  std::string name;
  // changed(): "served" (what storage holds), "withdrawn" (and ordered anew), "kept" (expired, but
  // storage has nothing newer; ordered anew), or "unknown" (to every site: nothing was done).
  // renew(): "due" (put down), "renewed". Both: "failed", with `error`.
  std::string outcome;
  std::string error;
};
using NameOutcomes = base::Result<std::vector<NameOutcome>>;

}  // namespace gatehouse::certs
