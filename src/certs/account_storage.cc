#include "certs/account_storage.h"

#include <algorithm>

#include "base/log.h"

namespace gatehouse::certs {

namespace {

using base::Code;

}  // namespace

bool AccountStorage::claimed(const AccountRecord& record) const {
  return std::ranges::find(others_, record.contact) != others_.end();
}

base::Task<base::Result<StoredAccount>> AccountStorage::find(std::string email) {
  StoredAccount named;
  named.key = account_key(issuer_, email);
  auto loaded = co_await load(named.key);
  if (!loaded) co_return base::fail(std::move(loaded.error()));
  named.record = std::move(*loaded);
  if (named.record && named.record->contact == email) co_return named;
  std::string prefix = accounts_prefix(issuer_);
  auto keys = co_await storage_.list(std::move(prefix), "", kAccounts);
  if (!keys) co_return base::fail(std::move(keys.error()));
  StoredAccount stray;
  if (named.record && !claimed(*named.record)) stray = named;
  for (const std::string& key : *keys) {
    if (key == named.key) continue;
    auto record = co_await load(key);
    if (!record) co_return base::fail(std::move(record.error()));
    if (!*record) continue;
    StoredAccount one{key, std::move(**record)};
    if (one.record->contact == email) co_return one;
    if (!stray.record && !claimed(*one.record)) stray = std::move(one);
  }
  if (stray.record) co_return stray;
  // The place may be taken by an account whose e-mail has become another's.
  if (named.record) named.record.reset();
  for (int i = 2; std::ranges::find(*keys, named.key) != keys->end(); ++i) {
    named.key = account_key(issuer_, email) + "." + std::to_string(i);
  }
  co_return named;
}

base::Task<base::Result<std::optional<AccountRecord>>> AccountStorage::load(std::string key) {
  auto text = co_await storage_.load(key);
  if (!text && text.error().code == Code::kNotFound) co_return std::optional<AccountRecord>();
  if (!text && text.error().code != Code::kDamaged) co_return base::fail(std::move(text.error()));
  std::string why = text ? std::string() : text.error().detail;
  if (text) {
    auto record = parse_account_record(*text);
    if (record) co_return std::optional<AccountRecord>(std::move(*record));
    why = record.error().detail;
  }
  co_await set_aside(std::move(key), std::move(why));
  co_return std::optional<AccountRecord>();
}

base::Task<void> AccountStorage::set_aside(std::string key, std::string why) {
  auto where = co_await storage_.set_aside(key);
  base::log::error(
      "an ACME account's record is damaged; it is kept aside and a new one made",
      {{"record", key}, {"error", why}, {"kept", where ? *where : where.error().detail}});
}

base::Task<base::Result<void>> AccountStorage::save(std::string key, const AccountRecord& record) {
  return storage_.store(std::move(key), to_text(record));
}

base::Task<base::Result<void>> AccountStorage::remove(std::string key) {
  return storage_.remove(std::move(key));
}

base::Task<base::Result<storage::Lease>> AccountStorage::lease(base::Deadline deadline) {
  return storage_.lease(accounts_prefix(issuer_), deadline);
}

}  // namespace gatehouse::certs
