#include "acme/challenge.h"

#include "acme/client.h"

namespace gatehouse::acme {

std::string_view name(ChallengeType type) {
  return type == ChallengeType::kHttp01 ? "http-01" : "tls-alpn-01";
}

std::optional<ChallengeType> challenge_type(std::string_view text) {
  for (const auto type : {ChallengeType::kHttp01, ChallengeType::kTlsAlpn01}) {
    if (name(type) == text) return type;
  }
  return std::nullopt;
}

base::Result<std::string> key_authorization(std::string_view token, const tls::PrivateKey& key) {
  auto public_key = jwk(key);
  if (!public_key) return base::fail(std::move(public_key.error()));
  return std::string(token) + "." + thumbprint(*public_key);
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
