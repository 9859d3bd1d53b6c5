#include "acme/account.h"

#include "acme/base64url.h"
#include "acme/client.h"
#include "acme/document.h"
#include "acme/url.h"
#include "base/log.h"

namespace gatehouse::acme {

namespace {

using base::Code;
using base::Side;

bool is_about_contact(const Failure& failure) {
  return failure.is("invalidContact") || failure.is("unsupportedContact");
}

}  // namespace

base::Result<std::string> account_payload(const tls::PrivateKey& key,
                                          const Registration& registration,
                                          std::string_view new_account_url) {
  Json payload = {{"termsOfServiceAgreed", true}};
  if (!registration.email.empty()) {
    payload["contact"] = Json::array({"mailto:" + registration.email});
  }
  if (registration.external) {
    const ExternalAccount& external = *registration.external;
    const auto mac_key = decode_base64(external.hmac_key);
    if (!mac_key || mac_key->empty()) {
      return base::fail(Code::kMalformed, "eab.hmac_key of key_id \"" + external.key_id +
                                              "\" is not base64; copy it as the CA shows it");
    }
    auto account_jwk = jwk(key);
    if (!account_jwk) return base::fail(std::move(account_jwk.error()));
    const std::string binding = external_account_binding(external.algorithm, external.key_id,
                                                         *mac_key, new_account_url, *account_jwk);
    payload["externalAccountBinding"] = Json::parse(binding, nullptr, false);
  }
  return to_text(payload);
}

base::Task<Outcome<std::string>> register_account(Client& client, const Account& account,
                                                  Registration registration,
                                                  base::Deadline deadline) {
  auto directory = co_await client.directory(deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  if (directory->external_account_required && !registration.external) {
    co_return failed(base::Error(Code::kDenied, Side::kCa,
                                 "the CA " + client.directory_url() +
                                     " wants an external account; set the issuer's \"eab\" to the "
                                     "key that the CA gave you"));
  }
  const std::string url = directory->new_account;
  const Account unnamed{account.key, ""};
  while (true) {
    auto payload = account_payload(account.key, registration, url);
    if (!payload) co_return failed(std::move(payload.error()));
    auto answer = co_await client.post(unnamed, "newAccount", url, *payload, deadline);
    if (answer) {
      auto location = resolve_url(url, answer->location);
      if (location) co_return std::move(*location);
      co_return malformed("newAccount at " + url + ": no account URL: " + location.error().detail);
    }
    if (!is_about_contact(answer.error()) || registration.email.empty()) {
      if (answer.error().is("externalAccountRequired")) {
        answer.error().error.detail += "; set the issuer's \"eab\" to the key that the CA gave you";
      }
      co_return failed(std::move(answer.error()));
    }
    base::log::warn("the CA does not take the contact; registering without it",
                    {{"ca", client.directory_url()},
                     {"contact", registration.email},
                     {"error", answer.error().error.detail}});
    registration.email.clear();
  }
}

}  // namespace gatehouse::acme
