// When a CA wants a certificate renewed (ARI, RFC 9773). What is made of it is the caller's.
#pragma once

#include <chrono>
#include <string>
#include <string_view>

#include "acme/failure.h"
#include "base/clock.h"
#include "base/loop.h"
#include "tls/certificate.h"

namespace gatehouse::acme {

class Client;

// RFC 9773 4.2. `end` is not before `start`.
struct RenewalInfo {
  base::WallTime start{};
  base::WallTime end{};
  std::string explanation;           // URL for people, printable; mostly empty
  std::chrono::seconds ask_again{};  // Retry-After, within the bounds below
};

// RFC 9773 4.3 asks clients to set themselves limits.
inline constexpr std::chrono::seconds kAskSoonest = std::chrono::minutes(1);
inline constexpr std::chrono::seconds kAskLatest = std::chrono::hours(24);
inline constexpr std::chrono::seconds kAskUsually = std::chrono::hours(6);  // CA says nothing

// base64url(authority key identifier) "." base64url(serial number), RFC 9773 4.1; empty when the
// certificate has no authority key identifier: such a CA can say nothing of it.
std::string certificate_id(const tls::LeafFacts& leaf);

// Reads the answer; ask_again is kAskUsually. Errors: kMalformed when there is no window or it ends
// before it begins, kTooLarge.
base::Result<RenewalInfo> parse_renewal_info(std::string_view body);

// Asks. Not signed, no account (RFC 9773 4.1). Failures: kUnsupported when the CA's directory or
// the certificate knows of no renewal information; those of Client::get and parse_renewal_info.
base::Task<Outcome<RenewalInfo>> read_renewal_info(Client& client, std::string certificate_id,
                                                   base::Deadline deadline);

}  // namespace gatehouse::acme
