#include "acme/revocation.h"

#include <algorithm>
#include <array>

#include "acme/base64url.h"
#include "acme/client.h"
#include "acme/document.h"
#include "base/log.h"

namespace gatehouse::acme {

namespace {

using Named = std::pair<std::string_view, RevocationReason>;

constexpr std::array kReasons{
    Named{"unspecified", RevocationReason::kUnspecified},
    Named{"keyCompromise", RevocationReason::kKeyCompromise},
    Named{"affiliationChanged", RevocationReason::kAffiliationChanged},
    Named{"superseded", RevocationReason::kSuperseded},
    Named{"cessationOfOperation", RevocationReason::kCessationOfOperation},
    Named{"privilegeWithdrawn", RevocationReason::kPrivilegeWithdrawn},
};

// RFC 5280 5.3.1: to be unspecified is to give no reason.
std::string payload_of(std::string_view der, RevocationReason reason) {
  Json payload = {{"certificate", base64url(der)}};
  if (reason != RevocationReason::kUnspecified) payload["reason"] = static_cast<int>(reason);
  return to_text(payload);
}

}  // namespace

std::span<const Named> revocation_reasons() { return kReasons; }

std::string_view name(RevocationReason reason) {
  const auto found = std::ranges::find(kReasons, reason, &Named::second);
  return found == kReasons.end() ? "unspecified" : found->first;
}

std::optional<RevocationReason> revocation_reason(std::string_view name) {
  const auto found = std::ranges::find(kReasons, name, &Named::first);
  if (found == kReasons.end()) return std::nullopt;
  return found->second;
}

base::Task<Outcome<>> revoke_certificate(Client& client, const Account& signer, std::string der,
                                         RevocationReason reason, base::Deadline deadline) {
  auto directory = co_await client.directory(deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  const std::string url = directory->revoke_cert;
  if (url.empty()) {
    co_return failed(base::Error(base::Code::kUnsupported, base::Side::kCa,
                                 "the CA " + client.directory_url() + " has no revokeCert"));
  }
  while (true) {
    auto answer =
        co_await client.post(signer, "revokeCert", url, payload_of(der, reason), deadline);
    if (answer || answer.error().is("alreadyRevoked")) co_return Outcome<>();
    const bool without = answer.error().is("badRevocationReason");
    if (!without || reason == RevocationReason::kUnspecified) {
      co_return failed(std::move(answer.error()));
    }
    base::log::warn("the CA does not take the reason of a revocation; revoking without it",
                    {{"ca", client.directory_url()}, {"reason", name(reason)}});
    reason = RevocationReason::kUnspecified;
  }
}

}  // namespace gatehouse::acme
