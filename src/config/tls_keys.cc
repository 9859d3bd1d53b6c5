#include "config/tls_keys.h"

#include <algorithm>

#include "config/base64.h"
#include "config/dns_keys.h"
#include "config/host_name.h"
#include "config/issuer_keys.h"

namespace gatehouse::config {

using codec::field;

namespace {

constexpr std::pair<std::string_view, Challenge> kChallenges[] = {
    {"tls-alpn-01", Challenge::kTlsAlpn01},
    {"http-01", Challenge::kHttp01},
    {"dns-01", Challenge::kDns01},
    {"dns-account-01", Challenge::kDnsAccount01},
    {"dns-persist-01", Challenge::kDnsPersist01}};
constexpr std::pair<std::string_view, ExternalAccount::Algorithm> kMacs[] = {
    {"HS256", ExternalAccount::Algorithm::kHs256},
    {"HS384", ExternalAccount::Algorithm::kHs384},
    {"HS512", ExternalAccount::Algorithm::kHs512}};
constexpr std::pair<std::string_view, KeyType> kKeyTypes[] = {{"p256", KeyType::kP256},
                                                              {"p384", KeyType::kP384},
                                                              {"rsa2048", KeyType::kRsa2048},
                                                              {"rsa4096", KeyType::kRsa4096}};
constexpr std::pair<std::string_view, bool> kVersions[] = {{"1.2", true}, {"1.3", false}};

// In either alphabet and padded or not: CAs hand it out in every form.
struct MacKey : codec::Secret {
  static bool read(Decoder& d, const Node& node, std::string& out) {
    if (!Secret::read(d, node, out)) return false;
    const bool base64 = std::ranges::all_of(out, [](char c) {
      return is_base64_digit(c) || std::string_view("-_= \t\r\n").contains(c);
    });
    if (base64) return true;
    d.wrong(node, "the MAC key of an external account is base64url, as the CA gives it");
    return false;
  }
};

const std::vector<Field<ExternalAccount>>& external_account_fields() {
  static const std::vector<Field<ExternalAccount>> fields = {
      field<&ExternalAccount::key_id, codec::Secret>("key_id", "the CA's name for the account"),
      field<&ExternalAccount::hmac_key, MacKey>("hmac_key", "base64url, as the CA gives it"),
      field<&ExternalAccount::algorithm, codec::Word<kMacs>>("algorithm", "of the MAC"),
  };
  return fields;
}

using ExternalAccountObject = codec::ObjectOf<ExternalAccount, external_account_fields>;

const std::vector<Field<AcmeIssuer>>& acme_issuer_fields() {
  static const std::vector<Field<AcmeIssuer>> fields = {
      field<&AcmeIssuer::ca, CaName>("ca", "a public CA, by name"),
      field<&AcmeIssuer::directory, codec::Text>("directory", "URL of the CA's directory"),
      field<&AcmeIssuer::email, codec::Text>("email", "whom the CA may write to"),
      field<&AcmeIssuer::account_key_age, codec::Duration>(
          "account_key_age", "a new key for the account when it is older; 0: never"),
      field<&AcmeIssuer::ca_file, codec::Text>("ca_file", "PEM roots for the CA's own HTTPS"),
      field<&AcmeIssuer::challenges, codec::List<codec::Word<kChallenges>>>("challenges",
                                                                            "which, in this order"),
      field<&AcmeIssuer::dns, codec::Optional<DnsObject>>("dns", "who sets TXT records for dns-01"),
      field<&AcmeIssuer::eab, codec::Optional<ExternalAccountObject>>("eab",
                                                                      "external account binding"),
      field<&AcmeIssuer::preflight, codec::Flag>("preflight",
                                                 "whether DNS is asked before an order"),
      field<&AcmeIssuer::profile, ProfileName>("profile", "the kind of certificate"),
      field<&AcmeIssuer::preferred_chain, codec::Text>("preferred_chain",
                                                       "by its root; or \"smallest\""),
  };
  return fields;
}

using AcmeIssuerObject = codec::ObjectOf<AcmeIssuer, acme_issuer_fields>;

const std::vector<Field<InternalIssuer>>& internal_issuer_fields() {
  static const std::vector<Field<InternalIssuer>> fields;
  return fields;
}

using InternalIssuerObject = codec::ObjectOf<InternalIssuer, internal_issuer_fields>;

const std::vector<Field<OnDemand>>& on_demand_fields() {
  static const std::vector<Field<OnDemand>> fields = {
      field<&OnDemand::ask, codec::Text>("ask", "URL; 2xx to GET URL?domain=NAME means yes"),
      field<&OnDemand::allow, codec::List<HostName>>("allow", "names that need not be asked for"),
      field<&OnDemand::timeout, codec::Duration>("timeout", "how long a handshake waits"),
  };
  return fields;
}

using OnDemandObject = codec::ObjectOf<OnDemand, on_demand_fields>;

}  // namespace

bool IssuerObject::read(Decoder& d, const Node& node, Issuer& out) {
  if (node.kind != Node::Kind::kObject || node.members.size() != 1) {
    return d.expected(node, "{\"acme\": {…}} or {\"internal\": {}}");
  }
  const auto& member = node.members.front();
  Decoder::At at(d, member.key);
  if (member.key == "acme") {
    return AcmeIssuerObject::read(d, member.value, out.emplace<AcmeIssuer>());
  }
  if (member.key == "internal") {
    return InternalIssuerObject::read(d, member.value, out.emplace<InternalIssuer>());
  }
  return d.expected(node, "\"acme\" or \"internal\" as the only key");
}

Schema IssuerObject::schema() {
  const auto one = [](const char* key, Schema value) {
    return Schema{{"type", "object"},
                  {"properties", {{key, std::move(value)}}},
                  {"required", Schema::array({key})},
                  {"additionalProperties", false}};
  };
  return {{"oneOf", Schema::array({one("acme", AcmeIssuerObject::schema()),
                                   one("internal", InternalIssuerObject::schema())})}};
}

const std::vector<Field<Tls>>& tls_fields() {
  static const std::vector<Field<Tls>> fields = {
      field<&Tls::issuers, codec::List<IssuerObject>>("issuers", "who signs; tried in order"),
      field<&Tls::on_demand, OnDemandObject>("on_demand", "names that stand in no file"),
      field<&Tls::key_type, codec::List<codec::Word<kKeyTypes>, true>>(
          "key_type",
          "of new certificates' keys; one of ECDSA and one of RSA: a certificate of each"),
      field<&Tls::allow_tls12, codec::Word<kVersions>>("min_version", "oldest TLS version"),
      field<&Tls::renewal, RenewalObject>("renewal", "when certificates are renewed"),
      field<&Tls::ocsp_stapling, codec::Flag>("ocsp_stapling",
                                              "what CAs' OCSP responders say is shown"),
  };
  return fields;
}

}  // namespace gatehouse::config
