#include "acme/authorization.h"

#include "acme/base64url.h"
#include "acme/client.h"
#include "acme/poll.h"
#include "acme/problem_document.h"
#include "acme/url.h"

namespace gatehouse::acme {

namespace {

// A token with other characters is left empty: it must never become part of a path or a page.
std::optional<Challenge> read_challenge(std::string_view base_url, const Json& object) {
  Challenge challenge;
  auto url = resolve_url(base_url, text_at(object, "url"));
  if (!url) return std::nullopt;
  challenge.url = std::move(*url);
  challenge.type = printable(text_at(object, "type"), 64);
  challenge.status = printable(text_at(object, "status"), 64);
  std::string token = text_at(object, "token");
  if (is_base64url(token, Challenge::kTokenBytes)) challenge.token = std::move(token);
  for (std::string& domain : texts_at(object, "issuer-domain-names")) {
    const bool room = challenge.issuer_domains.size() < Challenge::kIssuerDomains;
    if (room) challenge.issuer_domains.push_back(printable(std::move(domain), 256));
  }
  if (const Json* error = object_at(object, "error")) challenge.error = read_problem(*error);
  return challenge;
}

base::Task<Outcome<Polled<Authorization>>> look(Client& client, const Account& account,
                                                std::string url, base::Deadline deadline) {
  auto answer = co_await client.post(account, "the authorization", url, "", deadline);
  if (!answer) co_return failed(std::move(answer.error()));
  auto authorization = parse_authorization(url, answer->body);
  if (!authorization) co_return failed(std::move(authorization.error()));
  Polled<Authorization> polled(std::move(*authorization), answer->retry_after);
  co_return std::move(polled);
}

}  // namespace

const Problem* Authorization::problem() const {
  for (const Challenge& challenge : challenges) {
    if (challenge.error) return &*challenge.error;
  }
  return nullptr;
}

base::Result<Authorization> parse_authorization(std::string_view url, std::string_view body) {
  const auto object = parse_object(body);
  if (!object) {
    return base::fail(object.error().code, base::Side::kCa,
                      "the authorization " + std::string(url) + ": " + object.error().detail);
  }
  Authorization authorization;
  authorization.url = url;
  authorization.status = printable(text_at(*object, "status"), 64);
  authorization.wildcard = true_at(*object, "wildcard");
  if (const Json* identifier = object_at(*object, "identifier")) {
    authorization.identifier = printable(text_at(*identifier, "value"), 256);
  }
  if (authorization.status.empty() || authorization.identifier.empty()) {
    return base::fail(base::Code::kMalformed, base::Side::kCa,
                      "the authorization " + std::string(url) + " has no status or identifier");
  }
  for (const Json* entry : objects_at(*object, "challenges")) {
    if (auto challenge = read_challenge(url, *entry)) {
      authorization.challenges.push_back(std::move(*challenge));
    }
  }
  return authorization;
}

base::Task<Outcome<Authorization>> read_authorization(Client& client, const Account& account,
                                                      std::string url, base::Deadline deadline) {
  auto polled = co_await look(client, account, std::move(url), deadline);
  if (!polled) co_return failed(std::move(polled.error()));
  co_return std::move(polled->value);
}

base::Task<Outcome<Authorization>> await_authorization(Client& client, const Account& account,
                                                       std::string url, base::Deadline deadline) {
  Poll poll(client.loop(), "the authorization of " + url);
  while (true) {
    auto polled = co_await look(client, account, url, deadline);
    if (polled && !polled->value.pending()) co_return std::move(polled->value);
    const Failure* trouble = polled ? nullptr : &polled.error();
    std::optional<std::chrono::seconds> retry_after;
    if (polled) retry_after = polled->retry_after;
    auto rested = co_await poll.rest(trouble, retry_after, deadline);
    if (!rested) co_return failed(std::move(rested.error()));
  }
}

}  // namespace gatehouse::acme
