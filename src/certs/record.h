// What storage holds of a certificate: chain, key and metadata in one record, so that no reader
// ever sees half of a renewal.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "certs/backoff.h"
#include "certs/renewal_plan.h"
#include "certs/revocation.h"
#include "tls/certificate.h"

namespace gatehouse::certs {

struct Record {
  std::string issuer;              // Issuer::id() of who signed it
  bool rsa_of_two = false;         // kept under the RSA labels of its names (certs/key_types.h)
  std::vector<std::string> names;  // what was ordered
  base::WallTime obtained{};       // by our clock
  std::string ca;       // the directory's URL and the account's, of an ACME CA; else, and
  std::string account;  // in older records, empty
  tls::CertificateRef certificate;

  std::optional<Revocation> revoked;  // then it is not to be served

  // When its predecessors of the last days were obtained, the oldest first: at most kEarlier.
  std::vector<base::WallTime> earlier;
  static constexpr std::size_t kEarlier = 8;

  // What the issuer said of its renewal. In storage it lies beside: it changes more often, and
  // holds no key.
  std::optional<RenewalPlan> plan;

  // What it is called; and under which label of one of its names it is kept.
  std::string label() const { return label_of(names.front()); }
  std::string label_of(std::string_view name) const;
  // The end of its certificate.
  base::WallTime not_after() const { return certificate->leaf().not_after; }
  // Borrows the name.
  RenewalDates dates() const;
  // When it is to be renewed: when a person demanded it, or by the plan if that is for this
  // certificate, else by the life.
  base::WallTime due(const RenewalPolicy& policy) const;
  // Before this moment the issuer signs nothing more for the same names, by its published limits;
  // `now` where none are known or reached. Where they have two certificates, each has half of that.
  base::WallTime wait_for_next(base::WallTime now, bool of_two = false) const;
  // Remembers the predecessor, and what that remembers.
  void follow(const Record& before);
};

// JSON of one object with a `version`. Holds the private key: a secret.
std::string to_text(const Record& record);
// Parses a chain and a key: belongs on a BlockingPool. Error: kDamaged, saying what is wrong.
base::Result<Record> parse_record(std::string_view text);

std::string to_text(const Failures& failures);
base::Result<Failures> parse_failures(std::string_view text);

}  // namespace gatehouse::certs
