#include "certs/account_upkeep.h"

#include "acme/account_update.h"
#include "acme/key_change.h"
#include "base/log.h"

namespace gatehouse::certs {

namespace {

using acme::failed;
using acme::Outcome;

}  // namespace

base::Task<Outcome<>> AccountUpkeep::save(const StoredAccount& stored) {
  auto saved = co_await storage_.save(stored.key, *stored.record);
  if (!saved) co_return failed(std::move(saved.error()));
  co_return Outcome<>();
}

base::Task<Outcome<>> AccountUpkeep::settle(StoredAccount& stored) {
  if (!stored.record) co_return Outcome<>();
  const base::Deadline deadline = base::Deadline::in(kQuestionTime);
  if (stored.record->next_key) {
    auto found = co_await find_key(stored, deadline);
    if (!found) co_return failed(std::move(found.error()));
  }
  if (stored.record->leaving) co_return co_await end(stored, deadline);
  co_return Outcome<>();
}

// Which of both keys the account has. Where the CA knows neither, the old one registers anew.
base::Task<Outcome<>> AccountUpkeep::find_key(StoredAccount& stored, base::Deadline deadline) {
  AccountRecord& record = *stored.record;
  auto url = co_await acme::find_account(client_, *record.next_key, deadline);
  if (!url) co_return failed(std::move(url.error()));
  if (*url) {
    record.account.key = *record.next_key;
    record.account.url = std::move(**url);
    record.key_since = base::wall_now();
  }
  record.next_key.reset();
  co_return co_await save(stored);
}

base::Task<Outcome<>> AccountUpkeep::tell_contact(StoredAccount& stored, std::string email,
                                                  base::Deadline deadline) {
  AccountRecord& record = *stored.record;
  // From now on the account is this e-mail's, whoever looks.
  record.contact = email;
  record.contact_pending = true;
  auto noted = co_await save(stored);
  if (!noted) co_return failed(std::move(noted.error()));
  auto told = co_await acme::update_contact(client_, record.account, email, deadline);
  const bool refused =
      !told && (told.error().is("invalidContact") || told.error().is("unsupportedContact"));
  if (!told && !refused) co_return failed(std::move(told.error()));
  if (refused) {
    base::log::warn("the CA does not take the contact; it keeps the one that it has",
                    {{"account", record.account.url},
                     {"contact", email},
                     {"error", told.error().error.detail}});
  } else {
    base::log::info("the CA has the account's new contact",
                    {{"account", record.account.url}, {"contact", email}});
  }
  record.contact_pending = false;
  co_return co_await save(stored);
}

base::Task<Outcome<>> AccountUpkeep::change_key(StoredAccount& stored, base::Deadline deadline) {
  AccountRecord& record = *stored.record;
  auto generate = [] { return tls::PrivateKey::generate(tls::KeyType::kP256); };
  auto fresh = co_await blocking_.run(generate);
  if (!fresh) co_return failed(std::move(fresh.error()));
  record.next_key = std::move(*fresh);
  auto noted = co_await save(stored);
  if (!noted) {
    record.next_key.reset();
    co_return failed(std::move(noted.error()));
  }
  const std::string fresh_key = record.next_key->public_der();
  auto changed = co_await acme::change_key(client_, record.account, *record.next_key, deadline);
  if (!changed) {
    // An answer that was lost on its way changed the key all the same.
    auto found = co_await find_key(stored, base::Deadline::in(kQuestionTime));
    const bool taken = found && record.account.key.public_der() == fresh_key;
    if (!taken) co_return failed(std::move(changed.error()));
  } else {
    record.account.key = *record.next_key;
    record.next_key.reset();
    record.key_since = base::wall_now();
    auto saved = co_await save(stored);
    // Both keys are safe: the next who reads them asks the CA which it is.
    if (!saved) {
      base::log::warn("an account's new key is stored beside the old one still",
                      {{"account", record.account.url}, {"error", saved.error().error.detail}});
    }
  }
  base::log::info("the account has a new key", {{"account", record.account.url}});
  co_return Outcome<>();
}

base::Task<Outcome<>> AccountUpkeep::deactivate(StoredAccount& stored, base::Deadline deadline) {
  AccountRecord& record = *stored.record;
  record.leaving = true;
  auto noted = co_await save(stored);
  if (!noted) co_return failed(std::move(noted.error()));
  auto ended = co_await end(stored, deadline);
  if (ended) co_return Outcome<>();
  const bool refused = ended.error().problem && ended.error().problem->status < 500;
  if (refused && stored.record) {
    record.leaving = false;
    auto saved = co_await save(stored);
    if (!saved) ended.error().error.detail += "; and storage: " + saved.error().error.detail;
  }
  co_return failed(std::move(ended.error()));
}

base::Task<Outcome<>> AccountUpkeep::end(StoredAccount& stored, base::Deadline deadline) {
  const acme::Account account = stored.record->account;
  if (!account.url.empty()) {
    auto ended = co_await acme::deactivate_account(client_, account, deadline);
    if (!ended) co_return failed(std::move(ended.error()));
  }
  auto removed = co_await storage_.remove(stored.key);
  if (!removed) co_return failed(std::move(removed.error()));
  stored.record.reset();
  base::log::info("the account is deactivated", {{"account", account.url}});
  co_return Outcome<>();
}

}  // namespace gatehouse::certs
