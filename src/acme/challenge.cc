#include "acme/challenge.h"

#include <arpa/inet.h>
#include <openssl/sha.h>

#include <array>

#include "acme/base64url.h"
#include "acme/client.h"

namespace gatehouse::acme {

bool by_dns(ChallengeType type) {
  return type != ChallengeType::kHttp01 && type != ChallengeType::kTlsAlpn01;
}

std::string_view name(ChallengeType type) {
  switch (type) {
    case ChallengeType::kHttp01: return "http-01";
    case ChallengeType::kTlsAlpn01: return "tls-alpn-01";
    case ChallengeType::kDns01: return "dns-01";
    case ChallengeType::kDnsAccount01: return "dns-account-01";
    case ChallengeType::kDnsPersist01: return "dns-persist-01";
  }
  return "";
}

std::optional<ChallengeType> challenge_type(std::string_view text) {
  for (const auto type : {ChallengeType::kHttp01, ChallengeType::kTlsAlpn01, ChallengeType::kDns01,
                          ChallengeType::kDnsAccount01, ChallengeType::kDnsPersist01}) {
    if (name(type) == text) return type;
  }
  return std::nullopt;
}

base::Result<std::string> key_authorization(std::string_view token, const tls::PrivateKey& key) {
  auto public_key = jwk(key);
  if (!public_key) return base::fail(std::move(public_key.error()));
  return std::string(token) + "." + thumbprint(*public_key);
}

std::string dns_value(std::string_view key_authorization) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(key_authorization.data()), key_authorization.size(),
         digest.data());
  return base64url(digest);
}

// Base32 (RFC 4648 6) of the digest's first ten bytes, in lower case.
std::string dns_account_label(std::string_view account_url) {
  std::array<std::uint8_t, SHA256_DIGEST_LENGTH> digest{};
  SHA256(reinterpret_cast<const std::uint8_t*>(account_url.data()), account_url.size(),
         digest.data());
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyz234567";
  constexpr unsigned kBits = 80;
  std::string out = "_";
  for (unsigned bit = 0; bit < kBits; bit += 5) {
    const unsigned two = static_cast<unsigned>(digest[bit / 8] << 8) | digest[bit / 8 + 1];
    out += kLetters[two >> (11 - bit % 8) & 31];
  }
  return out;
}

std::string challenge_server_name(std::string_view identifier) {
  std::array<std::uint8_t, 16> address{};
  const std::string text(identifier);
  std::string out;
  if (::inet_pton(AF_INET, text.c_str(), address.data()) == 1) {
    for (int i = 3; i >= 0; --i) out += std::to_string(address[static_cast<unsigned>(i)]) + '.';
    return out + "in-addr.arpa";
  }
  if (::inet_pton(AF_INET6, text.c_str(), address.data()) != 1) return text;
  constexpr std::string_view kHex = "0123456789abcdef";
  for (auto byte = address.rbegin(); byte != address.rend(); ++byte) {
    out += {kHex[*byte & 15], '.', kHex[*byte >> 4], '.'};
  }
  return out + "ip6.arpa";
}

base::Task<Outcome<>> begin_challenge(Client& client, const Account& account,
                                      const Challenge& challenge, base::Deadline deadline) {
  // An empty object, exactly: strict CAs refuse anything else.
  auto answer =
      co_await client.post(account, challenge.type + " challenge", challenge.url, "{}", deadline);
  if (!answer) co_return failed(std::move(answer.error()));
  co_return Outcome<>();
}

}  // namespace gatehouse::acme
