// Revoking what storage holds (RFC 8555 7.6): by a command, beside a server that may be running.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "acme/failure.h"
#include "acme/revocation.h"
#include "base/blocking_pool.h"
#include "base/loop.h"
#include "base/resolver.h"
#include "certs/record.h"
#include "config/model.h"
#include "storage/storage.h"

namespace gatehouse::certs {

struct RevokeRequest {
  std::string name;  // of a record
  acme::RevocationReason reason = acme::RevocationReason::kUnspecified;
  // Signed by the certificate's own key rather than by the account. So too where there is no
  // account any more, or it is another than the certificate's, or the configuration names another
  // CA by now.
  bool by_certificate_key = false;
  bool replace = true;  // whether another certificate is to be ordered
};

// What came of one certificate.
struct RevokeOutcome {
  std::string name;
  std::string issuer;
  std::string serial;
  std::vector<std::string> names;  // that were ordered
  tls::CertificateRef certificate;
  bool before = false;  // the CA had confirmed it before
  bool known = false;   // storage holds it as revoked: it is not served any more
  bool told = false;    // the CA has confirmed it
  std::string error;    // why not; else empty
};

// What may be revoked of a name: what storage holds for it, whoever signed it, and has not expired.
// On the loop.
base::Task<base::Result<std::vector<Record>>> revocable(base::BlockingPool& blocking,
                                                        storage::Storage& storage,
                                                        std::string name);

struct AcmeConnection;

// What our own CA signed is marked in storage alone: it has no list of revoked certificates. One
// use. On the loop of a command.
class Revoke {
 public:
  static constexpr base::Duration kTime{120'000};      // for one certificate
  static constexpr base::Duration kLeaseTime{60'000};  // while a server orders the name
  static constexpr std::size_t kSlice = 256;           // records listed at once

  // All outlive it.
  struct Parts {
    base::Loop& loop;
    base::BlockingPool& blocking;
    base::Resolver& resolver;
    storage::Storage& storage;
    const config::Config& config;
  };

  Revoke(Parts parts, RevokeRequest request) : parts_(parts), request_(std::move(request)) {}

  // Revokes every certificate that revocable() finds. Each is marked in storage before its CA hears
  // of it, so that it is not served from then on, whatever happens; not when the CA cannot be
  // reached at all, and the mark goes again when the CA refuses, but for a key that is compromised.
  // Such a key is noted for ever, and the certificates of other names that have it are revoked as
  // well. Errors: kNotFound when there is none; storage's.
  base::Task<base::Result<std::vector<RevokeOutcome>>> run();

 private:
  base::Task<RevokeOutcome> revoke(Record record);
  base::Task<RevokeOutcome> revoke_leased(Record record, RevokeOutcome outcome);
  base::Task<base::Result<std::unique_ptr<AcmeConnection>>> reach(const Record& record);
  base::Task<acme::Outcome<>> tell(const Record& record, AcmeConnection& ca);
  base::Task<base::Result<std::vector<Record>>> same_keys(const std::vector<Record>& records);
  const config::AcmeIssuer* ca_of(const Record& record) const;

  Parts parts_;
  RevokeRequest request_;
};

}  // namespace gatehouse::certs
