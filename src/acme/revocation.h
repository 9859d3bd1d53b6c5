// Certificates that are not to be trusted any more (RFC 8555 7.6, RFC 5280 5.3.1).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "acme/account.h"

namespace gatehouse::acme {

// Those that the holder of a certificate may give.
enum class RevocationReason : std::uint8_t {
  kUnspecified = 0,
  kKeyCompromise = 1,
  kAffiliationChanged = 3,
  kSuperseded = 4,
  kCessationOfOperation = 5,
  kPrivilegeWithdrawn = 9,
};

// Their names in RFC 5280: "keyCompromise".
std::span<const std::pair<std::string_view, RevocationReason>> revocation_reasons();
std::string_view name(RevocationReason reason);
std::optional<RevocationReason> revocation_reason(std::string_view name);

// Revokes the certificate (DER). `signer`: an account, or, without a URL, the certificate's own
// key. Well also when it was revoked before. A reason that the CA does not take is left out at a
// second try. Failures: kUnsupported where the CA's directory has no revokeCert; those of
// Client::post.
base::Task<Outcome<>> revoke_certificate(Client& client, const Account& signer, std::string der,
                                         RevocationReason reason, base::Deadline deadline);

}  // namespace gatehouse::acme
