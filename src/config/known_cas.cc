#include "config/known_cas.h"

#include <algorithm>
#include <array>

namespace gatehouse::config {

namespace {

constexpr std::array kCas{
    KnownCa{"letsencrypt", "Let's Encrypt", "https://acme-v02.api.letsencrypt.org/directory", "",
            false, false, "", "shortlived"},
    KnownCa{"letsencrypt-staging", "Let's Encrypt's staging",
            "https://acme-staging-v02.api.letsencrypt.org/directory", "", false, false, "",
            "shortlived"},
    KnownCa{"zerossl", "ZeroSSL", "https://acme.zerossl.com/v2/DV90", "", true, false,
            "https://app.zerossl.com/developer"},
    KnownCa{"google", "Google Trust Services", "https://dv.acme-v02.api.pki.goog/directory", "",
            true, false, "\"gcloud publicca external-account-keys create\""},
    KnownCa{"buypass", "Buypass", "https://api.buypass.com/acme/directory", "", false, true, ""},
    KnownCa{"sslcom", "SSL.com", "https://acme.ssl.com/sslcom-dv-ecc",
            "https://acme.ssl.com/sslcom-dv-rsa", true, false,
            "https://secure.ssl.com, \"API credentials\""},
    KnownCa{"sectigo", "Sectigo", "https://acme.sectigo.com/v2/DV", "", true, false,
            "the ACME accounts of Sectigo Certificate Manager"},
    KnownCa{"digicert", "DigiCert", "https://acme.digicert.com/v2/acme/directory/", "", true, false,
            "the ACME directory URLs of DigiCert CertCentral"},
};

void resolve(std::vector<Issuer>& issuers, bool rsa) {
  for (Issuer& issuer : issuers) {
    auto* acme = std::get_if<AcmeIssuer>(&issuer);
    const KnownCa* ca = acme == nullptr ? nullptr : find_known_ca(acme->ca);
    if (ca != nullptr) acme->directory = rsa && !ca->rsa.empty() ? ca->rsa : ca->directory;
  }
}

}  // namespace

std::span<const KnownCa> known_cas() { return kCas; }

const KnownCa* find_known_ca(std::string_view name) {
  const auto found = std::ranges::find(kCas, name, &KnownCa::name);
  return found == kCas.end() ? nullptr : &*found;
}

const KnownCa* find_known_ca_at(std::string_view directory) {
  const auto found = std::ranges::find_if(kCas, [&](const KnownCa& ca) {
    return ca.directory == directory || (!ca.rsa.empty() && ca.rsa == directory);
  });
  return found == kCas.end() ? nullptr : &*found;
}

void resolve_cas(Config& config) {
  const auto& types = config.tls.key_type;
  const bool rsa = !types.empty() && is_rsa(types.front());
  resolve(config.tls.issuers, rsa);
  for (Site& site : config.sites) resolve(site.tls.issuers, rsa);
}

}  // namespace gatehouse::config
