// One way of proving control of an identifier (RFC 8555 7.1.5, 8).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "acme/account.h"
#include "acme/failure.h"

namespace gatehouse::acme {

// The types that we answer.
enum class ChallengeType : std::uint8_t {
  kHttp01,
  kTlsAlpn01,
  kDns01,
  kDnsAccount01,  // draft-ietf-acme-dns-account-label-02
  kDnsPersist01   // draft-ietf-acme-dns-persist-01
};
// Whether the CA looks for a TXT record, rather than at a listener.
bool by_dns(ChallengeType type);
// The token of the RFCs: "http-01", "tls-alpn-01", "dns-01", …
std::string_view name(ChallengeType type);
std::optional<ChallengeType> challenge_type(std::string_view name);

struct Challenge {
  static constexpr std::size_t kTokenBytes = 256;  // real ones have 43

  static constexpr std::size_t kIssuerDomains = 10;

  std::string type;  // as the CA calls it: unknown ones are listed too
  std::string url;
  std::string token;   // base64url, or empty
  std::string status;  // pending, processing, valid, invalid
  std::optional<Problem> error;
  // What a persistent record may call the CA by; of dns-persist-01 alone, which has no token.
  std::vector<std::string> issuer_domains;

  // Whether it says what is needed to answer it.
  bool usable() const { return !token.empty() || !issuer_domains.empty(); }
};

// token "." thumbprint of the account's key (RFC 8555 8.1). Error: kUnsupported unless P-256.
base::Result<std::string> key_authorization(std::string_view token, const tls::PrivateKey& key);
// What the TXT record of dns-01 says for a key authorization (RFC 8555 8.4).
std::string dns_value(std::string_view key_authorization);

// What stands before "_acme-challenge." in dns-account-01, without a dot: "_ujmmovf2vn55tgye".
std::string dns_account_label(std::string_view account_url);

// The server name in the handshake of a CA that looks by tls-alpn-01: a DNS name itself, an IP
// address mapped to its reverse name (RFC 8738 6).
std::string challenge_server_name(std::string_view identifier);

// Tells the CA to look now (RFC 8555 7.5.1); the answer must stand everywhere before.
base::Task<Outcome<>> begin_challenge(Client& client, const Account& account,
                                      const Challenge& challenge, base::Deadline deadline);

}  // namespace gatehouse::acme
