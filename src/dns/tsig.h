// Messages signed with a secret that both sides know (TSIG, RFC 8945).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace gatehouse::dns {

enum class TsigAlgorithm : std::uint8_t { kHmacSha256, kHmacSha512 };

struct TsigKey {
  std::string name;  // a domain name, the same at the server
  TsigAlgorithm algorithm = TsigAlgorithm::kHmacSha256;
  std::string secret;  // bytes. Secret.

  TsigKey() = default;
};

// The bytes of a secret as servers' files have it: base64. Error: kMalformed, without the secret.
base::Result<std::string> read_secret(std::string_view base64);

struct Signed {
  std::string message;
  std::string mac;  // that the answer's depends on
};

inline constexpr std::uint16_t kFudge = 300;  // seconds that the two clocks may differ

// Signs a message that is not signed yet, at the wall clock's `now`. Error: kMalformed for a key
// whose name is no domain name.
base::Result<Signed> sign(std::string message, const TsigKey& key, base::WallTime now);

// Checks the signature of the answer to a message that was signed with `request_mac`. Errors:
// kDenied when the server did not believe ours (BADKEY, BADSIG, BADTIME) or the answer has none or
// a wrong one, in words; kMalformed.
base::Result<void> verify(std::string_view answer, const TsigKey& key, std::string_view request_mac,
                          base::WallTime now);

}  // namespace gatehouse::dns
