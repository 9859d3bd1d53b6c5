// Revoking what storage holds (RFC 8555 7.6): by a command, beside a server that may be running.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "acme/failure.h"
#include "acme/revocation.h"
#include "base/blocking_pool.h"
#include "base/loop.h"
#include "base/resolver.h"
#include "certs/revocable.h"
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
  std::string name;  // its label: what was asked for, else the first that it was found under
  std::string issuer;
  std::string serial;
  std::vector<std::string> names;  // that it is kept under or was ordered for
  tls::CertificateRef certificate;
  bool before = false;  // the CA had confirmed it before
  bool known = false;   // storage holds it as revoked: it is not served any more
  bool told = false;    // the CA has confirmed it
  std::string error;    // why not; else empty
};

struct AcmeConnection;

// What our own CA signed is marked in storage alone: it has no list of revoked certificates. One
// use. On the loop of a command.
class Revoke {
 public:
  static constexpr base::Duration kTime{120'000};      // for one certificate
  static constexpr base::Duration kLeaseTime{60'000};  // while a server orders the name

  // All outlive it.
  struct Parts {
    base::Loop& loop;
    base::BlockingPool& blocking;
    base::Resolver& resolver;
    storage::Storage& storage;
    const config::Config& config;
  };

  Revoke(Parts parts, RevokeRequest request) : parts_(parts), request_(std::move(request)) {}

  // Revokes every certificate that Revocable finds of the name. Each is marked in storage, under
  // all names that it is kept for, before its CA hears of it, so that it is not served from then
  // on, whatever happens; not when the CA cannot be reached at all, and the marks go again when the
  // CA refuses, but for a key that is compromised. Such a key is noted for ever, and the
  // certificates of other names that have it are revoked as well. Errors: kNotFound when there is
  // none; storage's.
  base::Task<base::Result<std::vector<RevokeOutcome>>> run();

 private:
  base::Task<base::Result<std::vector<StoredCertificate>>> find();
  base::Task<RevokeOutcome> revoke(StoredCertificate found);
  base::Task<void> refresh(StoredCertificate& found, RevokeOutcome& outcome);
  base::Task<void> revoke_leased(StoredCertificate& found, RevokeOutcome& outcome);
  base::Task<void> tell_marked(StoredCertificate& found, AcmeConnection& ca, Revocation mark,
                               RevokeOutcome& outcome);
  base::Task<void> note_told(const StoredCertificate& found, Revocation revoked,
                             RevokeOutcome& outcome);
  base::Task<base::Result<void>> mark(const StoredCertificate& found,
                                      std::optional<Revocation> revoked);
  base::Task<base::Result<void>> mark_leased(const StoredCertificate& found,
                                             const StoredCertificate::Place& place,
                                             std::optional<Revocation> revoked);
  base::Task<base::Result<std::unique_ptr<AcmeConnection>>> reach(const Record& record);
  base::Task<acme::Outcome<>> tell(const Record& record, acme::RevocationReason reason,
                                   AcmeConnection& ca);
  const config::AcmeIssuer* ca_of(const Record& record) const;

  bool is_compromise() const { return request_.reason == acme::RevocationReason::kKeyCompromise; }

  Parts parts_;
  RevokeRequest request_;
  std::string leased_;  // the name whose lease is held
};

}  // namespace gatehouse::certs
