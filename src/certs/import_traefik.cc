#include <utility>

#include "acme/base64url.h"
#include "certs/foreign_files.h"
#include "tls/pem.h"

namespace gatehouse::certs {

namespace {

// Base64 of PEM; "" when it is none.
std::string decoded_at(const Json& object, std::string_view member) {
  const auto bytes = acme::decode_base64(string_at(object, member));
  return bytes ? *bytes : std::string();
}

void add_traefik_account(const Json& saved, const std::string& from, const std::string& host,
                         Foreign& into) {
  ForeignAccount account;
  account.from = from;
  account.origin.host = host;
  account.email = string_at(saved, "Email");
  account.url = string_at(member_of(saved, "Registration"), "uri");
  const std::string der = decoded_at(saved, "PrivateKey");  // PKCS#1
  auto key = tls::PrivateKey::from_pem(tls::pem_block("RSA PRIVATE KEY", der));
  if (!key) {
    into.rest.push_back(ForeignRest{from, "its account's PrivateKey is no RSA key"});
    return;
  }
  account.key = std::move(*key);
  into.accounts.push_back(std::move(account));
}

void add_traefik_resolver(const Json& resolver, const std::string& from, Foreign& into) {
  const Json& account = member_of(resolver, "Account");
  const std::string host = host_of(string_at(member_of(account, "Registration"), "uri"));
  if (account.is_object()) add_traefik_account(account, from, host, into);
  const Json& certificates = member_of(resolver, "Certificates");
  if (!certificates.is_array()) return;
  for (const Json& saved : certificates) {
    const std::string name = string_at(member_of(saved, "domain"), "main");
    if (into.certificates.size() >= kMostForeign) {
      into.rest.push_back(ForeignRest{from, "too many certificates: the rest was not read"});
      return;
    }
    ForeignCertificate certificate;
    certificate.from = from + " " + name;
    certificate.origin.host = host;
    certificate.chain_pem = decoded_at(saved, "certificate");
    certificate.key_pem = decoded_at(saved, "key");
    into.certificates.push_back(std::move(certificate));
  }
}

}  // namespace

base::Result<Foreign> read_traefik(const std::string& file) {
  const auto saved = read_json_file(file, kLargestAcmeJson);
  if (!saved) return base::fail(saved.error());
  Foreign found;
  if (saved->contains("Account") || saved->contains("Certificates")) {
    found.rest.push_back(ForeignRest{file, "it is of Traefik 1, whose form is not read"});
    return found;
  }
  for (const auto& [name, resolver] : saved->items()) {
    add_traefik_resolver(resolver, file + " " + name, found);
  }
  return found;
}

}  // namespace gatehouse::certs
