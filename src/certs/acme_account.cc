#include "certs/acme_account.h"

#include <nlohmann/json.hpp>

#include "base/log.h"

namespace gatehouse::certs {

namespace {

using acme::Account;
using acme::failed;
using base::Code;
using base::Side;
using Json = nlohmann::json;

constexpr int kVersion = 1;
constexpr std::size_t kSegment = 200;  // bytes of the e-mail in a storage key

// One segment of a storage key: what the grammar does not allow is written as _xx.
std::string segment_of(std::string_view email) {
  if (email.empty()) return "default";
  std::string out;
  for (const char c : email) {
    const bool upper = c >= 'A' && c <= 'Z';
    const char lower = upper ? static_cast<char>(c - 'A' + 'a') : c;
    const bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9') ||
                       lower == '-' || (lower == '.' && !out.empty());
    if (plain) {
      out.push_back(lower);
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += {'_', "0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    }
    if (out.size() >= kSegment) break;
  }
  return out;
}

std::string text_at(const Json& record, const char* key) {
  const auto found = record.find(key);
  if (found == record.end()) return {};
  const auto* text = found->get_ptr<const std::string*>();
  return text == nullptr ? std::string() : *text;
}

}  // namespace

std::string account_key(const std::string& issuer, std::string_view email) {
  return "accounts/" + issuer + "/" + segment_of(email);
}

std::string account_text(const Account& account, const std::string& email) {
  const Json record = {
      {"version", kVersion}, {"key", account.key.pem()}, {"url", account.url}, {"contact", email}};
  return record.dump(2, ' ', false, Json::error_handler_t::replace);
}

base::Result<Account> parse_account(std::string_view text) {
  const Json record = Json::parse(text, nullptr, false);
  if (!record.is_object()) return base::fail(Code::kDamaged, Side::kStorage, "it is not JSON");
  auto key = tls::PrivateKey::from_pem(text_at(record, "key"));
  if (!key) return base::fail(Code::kDamaged, Side::kStorage, "its key: " + key.error().detail);
  return Account{std::move(*key), text_at(record, "url")};
}

AcmeAccount::AcmeAccount(Parts parts)
    : parts_(std::move(parts)),
      storage_key_(account_key(parts_.issuer, parts_.registration.email)),
      turn_(parts_.loop, 1, kWaiting) {}

base::Task<acme::Outcome<Account>> AcmeAccount::get(base::Deadline deadline) {
  if (account_) co_return *account_;
  auto turn = co_await turn_.acquire(Urgency::kHandshake, deadline);
  if (!turn) co_return failed(std::move(turn.error()));
  auto account = co_await load_or_register(deadline);
  turn_.release();
  co_return std::move(account);
}

void AcmeAccount::forget(const std::string& url) {
  if (!account_ || account_->url != url) return;  // somebody has registered again meanwhile
  base::log::warn("the CA does not know our account any more; registering it again",
                  {{"issuer", parts_.issuer}, {"account", url}});
  lost_url_ = url;
  account_.reset();
}

bool AcmeAccount::usable(const std::optional<Account>& stored) const {
  return stored && !stored->url.empty() && stored->url != lost_url_;
}

base::Task<acme::Outcome<Account>> AcmeAccount::load_or_register(base::Deadline deadline) {
  if (account_) co_return *account_;
  auto stored = co_await load();
  if (!stored) co_return failed(std::move(stored.error()));
  if (usable(*stored)) {
    account_ = std::move(**stored);
    co_return *account_;
  }
  auto account = co_await register_leased(deadline);
  if (account) account_ = *account;
  co_return std::move(account);
}

base::Task<acme::Outcome<Account>> AcmeAccount::register_leased(base::Deadline deadline) {
  auto lease = co_await parts_.storage.lease(storage_key_, deadline);
  if (!lease) co_return failed(std::move(lease.error()));
  // Another process may have been faster.
  auto stored = co_await load();
  if (!stored) co_return failed(std::move(stored.error()));
  if (usable(*stored)) co_return std::move(**stored);
  Account account;
  if (*stored) {
    account = std::move(**stored);
  } else {
    auto made = co_await make_key();
    if (!made) co_return failed(std::move(made.error()));
    account = std::move(*made);
  }
  auto url = co_await acme::register_account(parts_.client, account, parts_.registration, deadline);
  if (!url) co_return failed(std::move(url.error()));
  account.url = std::move(*url);
  // What the CA may do if it forgets us again: give the same URL back.
  lost_url_.clear();
  auto saved = co_await save(account);
  if (!saved) {
    // The key is safe, and finds its account again.
    base::log::warn("an ACME account could not be stored; it is looked up again after a restart",
                    {{"issuer", parts_.issuer}, {"error", saved.error().detail}});
  }
  base::log::info("registered with the CA", {{"issuer", parts_.issuer}, {"account", account.url}});
  co_return std::move(account);
}

base::Task<acme::Outcome<Account>> AcmeAccount::make_key() {
  auto generate = [] { return tls::PrivateKey::generate(tls::KeyType::kP256); };
  auto key = co_await parts_.blocking.run(generate);
  if (!key) co_return failed(std::move(key.error()));
  Account account;
  account.key = std::move(*key);
  auto saved = co_await save(account);
  if (!saved) co_return failed(std::move(saved.error()));
  co_return std::move(account);
}

base::Task<AcmeAccount::Stored> AcmeAccount::load() {
  auto record = co_await parts_.storage.load(storage_key_);
  if (record) {
    auto account = parse_account(*record);
    if (account) co_return std::move(*account);
    co_await set_aside(std::move(account.error()));
    co_return std::optional<Account>();
  }
  if (record.error().code == Code::kNotFound) co_return std::optional<Account>();
  if (record.error().code != Code::kDamaged) co_return base::fail(std::move(record.error()));
  co_await set_aside(std::move(record.error()));
  co_return std::optional<Account>();
}

base::Task<void> AcmeAccount::set_aside(base::Error why) {
  auto where = co_await parts_.storage.set_aside(storage_key_);
  base::log::error("an ACME account's record is damaged; it is kept aside and a new one made",
                   {{"record", storage_key_},
                    {"error", why.detail},
                    {"kept", where ? *where : where.error().detail}});
}

base::Task<base::Result<void>> AcmeAccount::save(const Account& account) {
  auto saved =
      co_await parts_.storage.store(storage_key_, account_text(account, parts_.registration.email));
  co_return saved;
}

}  // namespace gatehouse::certs
