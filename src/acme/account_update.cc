#include "acme/account_update.h"

#include "acme/client.h"
#include "acme/document.h"
#include "acme/url.h"

namespace gatehouse::acme {

base::Task<Outcome<std::optional<std::string>>> find_account(Client& client, tls::PrivateKey key,
                                                             base::Deadline deadline) {
  auto directory = co_await client.directory(deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  const std::string url = directory->new_account;
  const Account unnamed{std::move(key), ""};
  const std::string payload = to_text(Json{{"onlyReturnExisting", true}});
  auto answer =
      co_await client.post(unnamed, "newAccount (onlyReturnExisting)", url, payload, deadline);
  if (!answer && answer.error().is("accountDoesNotExist")) co_return std::optional<std::string>();
  if (!answer) co_return failed(std::move(answer.error()));
  auto location = resolve_url(url, answer->location);
  if (location) co_return std::optional<std::string>(std::move(*location));
  co_return malformed("newAccount: no account URL: " + location.error().detail);
}

base::Task<Outcome<>> update_contact(Client& client, const Account& account, std::string email,
                                     base::Deadline deadline) {
  Json contact = Json::array();
  if (!email.empty()) contact.push_back("mailto:" + email);
  const std::string payload = to_text(Json{{"contact", std::move(contact)}});
  auto answer = co_await client.post(account, "the account", account.url, payload, deadline);
  if (!answer) co_return failed(std::move(answer.error()));
  co_return Outcome<>();
}

base::Task<Outcome<AccountState>> read_account(Client& client, const Account& account,
                                               base::Deadline deadline) {
  auto answer = co_await client.post(account, "the account", account.url, "", deadline);
  if (!answer) co_return failed(std::move(answer.error()));
  const auto object = parse_object(answer->body);
  if (!object) co_return malformed("the account " + account.url + ": " + object.error().detail);
  AccountState state;
  state.status = printable(text_at(*object, "status"), 64);
  for (const std::string& contact : texts_at(*object, "contact")) {
    state.contact.push_back(printable(contact, 320));
  }
  co_return std::move(state);
}

base::Task<Outcome<>> deactivate_account(Client& client, const Account& account,
                                         base::Deadline deadline) {
  const std::string payload = to_text(Json{{"status", "deactivated"}});
  auto answer = co_await client.post(account, "the account", account.url, payload, deadline);
  if (answer) co_return Outcome<>();
  // 7.3.6: who is deactivated gets "unauthorized" for everything.
  const Failure& failure = answer.error();
  if (failure.is("unauthorized") || failure.is("accountDoesNotExist")) co_return Outcome<>();
  co_return failed(std::move(answer.error()));
}

}  // namespace gatehouse::acme
