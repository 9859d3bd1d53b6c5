#include "proxy/client_facts.h"

#include <openssl/base64.h>
#include <openssl/sha.h>

#include "base/buffer.h"

namespace gatehouse::proxy {

bool is_loopback(const base::Endpoint& peer) {
  const auto ip = peer.host();
  return ip == "::1" || ip.starts_with("127.");
}

void note_certificate(ClientFacts& facts, std::string_view der) {
  const auto bytes = base::as_bytes(der);
  std::string text((der.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock() ends it with a zero
  const auto size =
      EVP_EncodeBlock(reinterpret_cast<std::uint8_t*>(text.data()), bytes.data(), bytes.size());
  text.resize(size);
  facts.certificate = ":" + text + ":";
  std::uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256(bytes.data(), bytes.size(), digest);
  constexpr std::string_view kHex = "0123456789abcdef";
  facts.certificate_sha256.clear();
  for (const auto byte : digest) {
    facts.certificate_sha256 += kHex[byte >> 4];
    facts.certificate_sha256 += kHex[byte & 15];
  }
}

}  // namespace gatehouse::proxy
