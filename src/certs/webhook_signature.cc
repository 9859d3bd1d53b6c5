#include "certs/webhook_signature.h"

#include <openssl/base64.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <array>

#include "acme/base64url.h"

namespace gatehouse::certs {

std::string webhook_key(std::string_view secret) {
  constexpr std::string_view kPrefix = "whsec_";
  if (!secret.starts_with(kPrefix)) return std::string(secret);
  return acme::decode_base64(secret.substr(kPrefix.size())).value_or(std::string(secret));
}

std::string webhook_signature(std::string_view key, std::string_view id, base::WallTime at,
                              std::string_view body) {
  std::string said(id);
  said += "." + std::to_string(at.time_since_epoch().count()) + ".";
  said += body;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), key.size(), reinterpret_cast<const std::uint8_t*>(said.data()),
       said.size(), digest.data(), &size);
  std::array<std::uint8_t, 64> text{};  // of 32 bytes: 44 and a zero
  const auto length = EVP_EncodeBlock(text.data(), digest.data(), size);
  return "v1," + std::string(reinterpret_cast<const char*>(text.data()), length);
}

}  // namespace gatehouse::certs
