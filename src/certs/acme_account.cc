#include "certs/acme_account.h"

#include <algorithm>

#include "base/log.h"

namespace gatehouse::certs {

namespace {

using acme::Account;
using acme::failed;
using acme::Outcome;
using base::Code;
using base::Side;

bool differ(const Account& a, const Account& b) {
  return a.url != b.url || a.key.public_der() != b.key.public_der();
}

}  // namespace

AcmeAccount::AcmeAccount(Parts parts)
    : parts_(std::move(parts)),
      accounts_(parts_.storage, parts_.issuer, parts_.other_emails),
      upkeep_(parts_.client, parts_.blocking, accounts_),
      turn_(parts_.loop, 1, kWaiting) {}

base::Task<AcmeAccount::Got> AcmeAccount::get(base::Deadline deadline) {
  if (account_ && base::wall_now() < look_again_) co_return *account_;
  auto turn = co_await turn_.acquire(Urgency::kHandshake, deadline);
  if (!turn) co_return failed(std::move(turn.error()));
  const HeldSlot held(turn_);
  co_return co_await load_or_register(deadline);
}

bool AcmeAccount::wants_contact(const AccountRecord& record) const {
  return record.contact_pending || record.contact != parts_.registration.email;
}

bool AcmeAccount::wants_key(const AccountRecord& record) const {
  return parts_.key_age.count() > 0 && record.key_since + parts_.key_age <= base::wall_now();
}

// Whether it may be used as it is.
bool AcmeAccount::usable(const StoredAccount& stored) const {
  if (!stored.record) return false;
  const AccountRecord& record = *stored.record;
  const std::string& url = record.account.url;
  if (url.empty() || url == lost_url_ || record.next_key || record.leaving) return false;
  const bool later = base::wall_now() < upkeep_again_;
  return later || (!wants_contact(record) && !wants_key(record));
}

void AcmeAccount::know(const StoredAccount& stored) {
  const AccountRecord& record = *stored.record;
  account_ = record.account;
  key_ = stored.key;
  look_again_ = base::WallTime::max();
  if (parts_.key_age.count() > 0) {
    look_again_ = record.key_since + std::chrono::ceil<std::chrono::seconds>(parts_.key_age);
  }
  if (wants_contact(record) || wants_key(record)) look_again_ = upkeep_again_;
}

base::Task<AcmeAccount::Got> AcmeAccount::load_or_register(base::Deadline deadline) {
  auto stored = co_await accounts_.find(parts_.registration.email);
  if (!stored) co_return failed(std::move(stored.error()));
  if (!usable(*stored)) co_return co_await get_leased(deadline);
  know(*stored);
  co_return *account_;
}

base::Task<AcmeAccount::Got> AcmeAccount::get_leased(base::Deadline deadline) {
  auto lease = co_await accounts_.lease(deadline);
  if (!lease) co_return failed(std::move(lease.error()));
  // Another process may have been faster.
  auto stored = co_await settled();
  if (!stored) co_return failed(std::move(stored.error()));
  const bool known = stored->record && !stored->record->account.url.empty() &&
                     stored->record->account.url != lost_url_;
  if (!known) co_return co_await register_new(std::move(*stored), deadline);
  if (!usable(*stored)) co_await keep_up(*stored, deadline);
  if (stored->record->next_key) {
    co_return failed(base::Error(Code::kOverload, Side::kCa, base::Retry::kYes,
                                 "whether the account has its new key is not known yet"));
  }
  know(*stored);
  co_return *account_;
}

// What cannot be done now keeps no certificate from being ordered.
base::Task<void> AcmeAccount::keep_up(StoredAccount& stored, base::Deadline deadline) {
  Outcome<> done;
  if (wants_contact(*stored.record)) {
    done = co_await upkeep_.tell_contact(stored, parts_.registration.email, deadline);
  }
  if (done && wants_key(*stored.record)) done = co_await upkeep_.change_key(stored, deadline);
  if (done) co_return;
  upkeep_again_ = base::wall_now() + kUpkeepAgain;
  base::log::warn("the CA did not take a change of our account; it is tried again later",
                  {{"issuer", parts_.issuer},
                   {"account", stored.record->account.url},
                   {"error", done.error().error.detail}});
}

base::Task<Outcome<StoredAccount>> AcmeAccount::settled() {
  auto stored = co_await accounts_.find(parts_.registration.email);
  if (!stored) co_return failed(std::move(stored.error()));
  auto done = co_await upkeep_.settle(*stored);
  if (!done) co_return failed(std::move(done.error()));
  co_return std::move(*stored);
}

base::Task<AcmeAccount::Got> AcmeAccount::register_new(StoredAccount stored,
                                                       base::Deadline deadline) {
  if (!stored.record) {
    auto made = co_await make_key(stored);
    if (!made) co_return failed(std::move(made.error()));
  }
  AccountRecord& record = *stored.record;
  auto url =
      co_await acme::register_account(parts_.client, record.account, parts_.registration, deadline);
  if (!url) co_return failed(std::move(url.error()));
  record.account.url = std::move(*url);
  record.contact = parts_.registration.email;
  record.contact_pending = false;
  // What the CA may do if it forgets us again: give the same URL back.
  if (!lost_url_.empty()) registered_again_ = base::Clock::now();
  lost_url_.clear();
  auto saved = co_await accounts_.save(stored.key, record);
  if (!saved) {
    // The key is safe, and finds its account again.
    base::log::warn("an ACME account could not be stored; it is looked up again after a restart",
                    {{"issuer", parts_.issuer}, {"error", saved.error().detail}});
  }
  base::log::info("registered with the CA",
                  {{"issuer", parts_.issuer}, {"account", record.account.url}});
  know(stored);
  co_return *account_;
}

base::Task<Outcome<>> AcmeAccount::make_key(StoredAccount& stored) {
  auto generate = [] { return tls::PrivateKey::generate(tls::KeyType::kP256); };
  auto key = co_await parts_.blocking.run(generate);
  if (!key) co_return failed(std::move(key.error()));
  AccountRecord record;
  record.account.key = std::move(*key);
  record.contact = parts_.registration.email;
  record.key_since = base::wall_now();
  auto saved = co_await accounts_.save(stored.key, record);
  if (!saved) co_return failed(std::move(saved.error()));
  stored.record = std::move(record);
  co_return Outcome<>();
}

base::Task<Outcome<StoredAccount>> AcmeAccount::look(base::Deadline deadline) {
  auto turn = co_await turn_.acquire(Urgency::kHandshake, deadline);
  if (!turn) co_return failed(std::move(turn.error()));
  const HeldSlot held(turn_);
  auto stored = co_await accounts_.find(parts_.registration.email);
  if (!stored) co_return failed(std::move(stored.error()));
  co_return std::move(*stored);
}

base::Task<Outcome<std::optional<Account>>> AcmeAccount::find(base::Deadline deadline) {
  auto turn = co_await turn_.acquire(Urgency::kHandshake, deadline);
  if (!turn) co_return failed(std::move(turn.error()));
  const HeldSlot held(turn_);
  auto lease = co_await accounts_.lease(deadline);
  if (!lease) co_return failed(std::move(lease.error()));
  auto stored = co_await settled();
  if (!stored) co_return failed(std::move(stored.error()));
  const bool none = !stored->record || stored->record->account.url.empty();
  if (none) co_return std::optional<Account>();
  co_return std::optional<Account>(stored->record->account);
}

base::Task<bool> AcmeAccount::outdated(Account used, base::TimePoint since,
                                       const acme::Failure& failure) {
  if (!account_ || differ(*account_, used) || since < registered_again_) co_return true;
  const bool forgotten = failure.is("accountDoesNotExist");
  auto stored = co_await accounts_.load(key_);
  if (!stored) co_return false;
  if (!account_ || differ(*account_, used)) co_return true;
  const bool changed =
      !*stored || differ((*stored)->account, used) || (*stored)->next_key || (*stored)->leaving;
  if (changed) {
    base::log::info("the account was changed by another process",
                    {{"issuer", parts_.issuer}, {"account", used.url}});
    account_.reset();
    co_return true;
  }
  const bool ever = registered_again_ != base::TimePoint::min();
  const bool just_now = ever && base::Clock::now() < registered_again_ + kRegisterAgain;
  if (!forgotten || just_now) co_return false;
  base::log::warn("the CA does not know our account any more; registering it again",
                  {{"issuer", parts_.issuer}, {"account", used.url}});
  lost_url_ = used.url;
  account_.reset();
  co_return true;
}

base::Task<AcmeAccount::Got> AcmeAccount::change_key(base::Deadline deadline) {
  auto turn = co_await turn_.acquire(Urgency::kHandshake, deadline);
  if (!turn) co_return failed(std::move(turn.error()));
  const HeldSlot held(turn_);
  auto lease = co_await accounts_.lease(deadline);
  if (!lease) co_return failed(std::move(lease.error()));
  auto stored = co_await settled();
  if (!stored) co_return failed(std::move(stored.error()));
  if (!stored->record || stored->record->account.url.empty()) {
    co_return failed(base::Error(Code::kNotFound, "there is no account at " + parts_.issuer));
  }
  auto changed = co_await upkeep_.change_key(*stored, deadline);
  if (!changed) co_return failed(std::move(changed.error()));
  know(*stored);
  co_return *account_;
}

base::Task<Outcome<std::string>> AcmeAccount::deactivate(base::Deadline deadline) {
  auto turn = co_await turn_.acquire(Urgency::kHandshake, deadline);
  if (!turn) co_return failed(std::move(turn.error()));
  const HeldSlot held(turn_);
  auto lease = co_await accounts_.lease(deadline);
  if (!lease) co_return failed(std::move(lease.error()));
  auto stored = co_await accounts_.find(parts_.registration.email);
  if (!stored) co_return failed(std::move(stored.error()));
  if (!stored->record) {
    co_return failed(base::Error(Code::kNotFound, "there is no account at " + parts_.issuer));
  }
  std::string url = stored->record->account.url;
  account_.reset();
  if (stored->record->next_key) {
    auto done = co_await upkeep_.settle(*stored);
    if (!done) co_return failed(std::move(done.error()));
  }
  if (stored->record) {
    auto ended = co_await upkeep_.deactivate(*stored, deadline);
    if (!ended) co_return failed(std::move(ended.error()));
  }
  co_return std::move(url);
}

}  // namespace gatehouse::certs
