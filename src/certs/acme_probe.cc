// Whether a name that DNS leads to strangers' addresses leads here after all, before it is ordered.
#include <openssl/rand.h>

#include <array>

#include "acme/base64url.h"
#include "certs/acme_issuer.h"
#include "certs/listed.h"
#include "tls/x509.h"

namespace gatehouse::certs {

namespace {

using acme::ChallengeType;

// From where no CA could reach them. What leads to these has another address outside.
bool is_public(const base::Endpoint& address) {
  static const std::vector<base::IpRange> kLocal = [] {
    std::vector<base::IpRange> ranges;
    for (const char* range :
         {"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
          "172.16.0.0/12", "192.168.0.0/16", "::/127", "fc00::/7", "fe80::/10"}) {
      ranges.push_back(base::IpRange::parse(range).value());
    }
    return ranges;
  }();
  return !base::contains(kLocal, address);
}

std::string random_text() {
  std::array<std::uint8_t, 32> random;
  RAND_bytes(random.data(), random.size());
  return acme::base64url(base::Bytes(random));
}

// Nothing where one of them says nothing of what a CA would see.
std::vector<base::Endpoint> endpoints(const std::vector<std::string>& addresses, std::uint16_t port,
                                      bool any) {
  std::vector<base::Endpoint> out;
  for (const std::string& address : addresses) {
    auto endpoint = base::Endpoint::from_ip(address, port);
    if (!endpoint || (!any && !is_public(*endpoint))) return {};
    out.push_back(std::move(*endpoint));
  }
  return out;
}

}  // namespace

// Asked as the CA would, at the addresses that it would come to, with an answer that only this
// process has. Where what is there says that it is another, an order would be spent on a challenge
// that fails. Who cannot be asked may be us: behind a NAT, say.
base::Task<std::optional<acme::Problem>> AcmeIssuer::probe(std::string name,
                                                           std::vector<std::string> addresses) {
  const Preflight::Places places = co_await preflight_.elsewhere(std::move(addresses));
  if (places.found.empty()) co_return std::nullopt;
  const std::string token = random_text();
  std::string reasons;
  for (const ChallengeType type : choice_.types()) {
    const bool by_http = type == ChallengeType::kHttp01;
    const auto port = by_http ? options_.probe.http : options_.probe.https;
    const auto at = endpoints(places.found, port, options_.probe.any);
    if (at.empty()) co_return std::nullopt;
    std::string reason;
    if (by_http) {
      if (!parts_.challenges.put_http(token, token)) co_return std::nullopt;
      const ChallengeAnswer answer(parts_.challenges, token);
      reason = co_await rehearsal_.http_at(at, name, token);
    } else {
      auto make = [name, token, key = connection_->challenge_key] {
        return tls::challenge_certificate(name, token, key);
      };
      auto certificate = co_await parts_.blocking.run(std::move(make));
      if (!certificate || !parts_.challenges.put_tls_alpn(name, *certificate)) {
        co_return std::nullopt;
      }
      const ChallengeAnswer answer(parts_.challenges, name, *certificate);
      reason = co_await rehearsal_.tls_alpn_at(at, name, *certificate);
    }
    if (reason.empty()) co_return std::nullopt;
    reasons += (reasons.empty() ? "" : ", ") + reason;
  }
  if (reasons.empty()) co_return std::nullopt;
  acme::Problem found;
  found.type = "connection";
  found.detail = name + " resolves to " + listed(places.found, ", ", Preflight::kShown) +
                 ", and what is there is not this gatehouse: " + reasons;
  co_return found;
}

}  // namespace gatehouse::certs
