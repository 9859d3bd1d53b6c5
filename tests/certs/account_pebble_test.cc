// What a real CA takes of accounts that change, and of revocations.
#include <gmock/gmock.h>

#include <openssl/pool.h>

#include "acme/account_update.h"
#include "acme/key_change.h"
#include "acme/revocation.h"
#include "certs/acme_connection.h"
#include "tests/certs/pebble_house.h"

namespace gatehouse::certs::account_pebble_test {
namespace {

using acme::RevocationReason;

class AccountsAtPebble : public PebbleHouse {
 protected:
  AccountsAtPebble() { start(); }

  // As a command has it.
  std::unique_ptr<AcmeConnection> connect(AcmeOptions options) {
    const AcmeConnection::Parts parts{loop_, blocking_, resolver_, storage_};
    return run_task(loop_, AcmeConnection::make(parts, std::move(options))).value();
  }
  std::unique_ptr<AcmeConnection> connect() { return connect(options({kHttp})); }
  template <class T>
  T run(base::Task<T> task) {
    return run_task(loop_, std::move(task));
  }
  static base::Deadline soon() { return base::Deadline::in(base::Duration(60'000)); }
  template <class T>
  static std::string why(const acme::Outcome<T>& outcome) {
    return outcome ? "" : outcome.error().error.detail;
  }
  static std::string why(const Issued& issued) { return PebbleHouse::why(issued); }
  static std::string der(const tls::CertificateRef& certificate) {
    const CRYPTO_BUFFER* leaf = certificate->chain().front().get();
    return std::string(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(leaf)),
                       CRYPTO_BUFFER_len(leaf));
  }
};

TEST_F(AccountsAtPebble, AreFoundByTheirKeyAndNeverMadeByLooking) {
  const auto ca = connect();
  const auto unknown = run(acme::find_account(ca->client, key_, soon()));
  ASSERT_TRUE(unknown) << why(unknown);
  EXPECT_FALSE(*unknown);
  const auto account = run(ca->account.get(soon()));
  ASSERT_TRUE(account) << why(account);
  const auto known = run(acme::find_account(ca->client, account->key, soon()));
  ASSERT_TRUE(known) << why(known);
  EXPECT_EQ(**known, account->url);
}

TEST_F(AccountsAtPebble, GetTheContactThatTheFileHasNow) {
  const auto before = run(connect()->account.get(soon()));
  ASSERT_TRUE(before) << why(before);
  for (const char* email : {"new@example.com", ""}) {
    auto changed = options({kHttp});
    changed.email = email;
    const auto ca = connect(changed);
    const auto after = run(ca->account.get(soon()));
    ASSERT_TRUE(after) << why(after);
    EXPECT_EQ(after->url, before->url);
    const auto state = run(acme::read_account(ca->client, *after, soon()));
    ASSERT_TRUE(state) << why(state);
    EXPECT_EQ(state->status, "valid");
    std::vector<std::string> contact;
    if (*email != '\0') contact.push_back("mailto:" + std::string(email));
    EXPECT_EQ(state->contact, contact);
  }
}

TEST_F(AccountsAtPebble, KeepTheirUrlAndTheirServerWhenTheirKeyIsChanged) {
  const auto server = issuer(options({kHttp}));
  ASSERT_TRUE(issue(*server, {"a.example.com"}));
  const auto before = run(connect()->account.find(soon())).value();
  const auto after = run(connect()->account.change_key(soon()));
  ASSERT_TRUE(after) << why(after);
  EXPECT_EQ(after->url, before->url);
  // The CA refuses the old key; the server then reads the new one from storage.
  const auto old = run(acme::read_account(connect()->client, *before, soon()));
  EXPECT_FALSE(old);
  const auto issued = issue(*server, {"b.example.com"});
  EXPECT_TRUE(issued) << why(issued);
  EXPECT_EQ(server->origin().account, before->url);
}

TEST_F(AccountsAtPebble, AreFoundAfterAKillAtAnyPointOfAChangeOfTheirKey) {
  const auto url = run(connect()->account.get(soon()))->url;
  for (int writes = 0; writes < 3; ++writes) {
    storage_.stores_left = writes;
    (void)run(connect()->account.change_key(soon()));
    storage_.stores_left = -1;
    const auto ca = connect();
    const auto account = run(ca->account.get(soon()));
    ASSERT_TRUE(account) << why(account);
    EXPECT_EQ(account->url, url);
    const auto state = run(acme::read_account(ca->client, *account, soon()));
    EXPECT_TRUE(state) << writes << why(state);
  }
}

TEST_F(AccountsAtPebble, EndWhenTheyAreDeactivatedAndTheServerMakesAnotherOne) {
  const auto server = issuer(options({kHttp}));
  ASSERT_TRUE(issue(*server, {"a.example.com"}));
  const std::string url = server->origin().account;
  const auto ca = connect();
  const auto account = run(ca->account.find(soon())).value();
  const auto ended = run(ca->account.deactivate(soon()));
  ASSERT_TRUE(ended) << why(ended);
  EXPECT_EQ(*ended, url);
  const auto again = run(acme::deactivate_account(ca->client, *account, soon()));
  EXPECT_TRUE(again) << why(again);
  const auto issued = issue(*server, {"b.example.com"});
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_NE(server->origin().account, url);
}

TEST_F(AccountsAtPebble, RevokeWhatTheyOrderedForEveryReason) {
  const auto server = issuer(options({kHttp}));
  const auto ca = connect();
  for (const auto& [name, reason] : acme::revocation_reasons()) {
    const auto issued = issue(*server, {"a.example.com"});
    ASSERT_TRUE(issued) << why(issued);
    const auto account = run(ca->account.find(soon())).value();
    // Twice: what is revoked already is done.
    for (int i = 0; i < 2; ++i) {
      const auto told =
          run(acme::revoke_certificate(ca->client, *account, der(*issued), reason, soon()));
      EXPECT_TRUE(told) << name << why(told);
    }
  }
}

TEST_F(AccountsAtPebble, AreNotNeededWhereTheCertificatesOwnKeyRevokes) {
  const auto server = issuer(options({kHttp}));
  const auto ca = connect();
  for (const auto type : {tls::KeyType::kP256, tls::KeyType::kP384, tls::KeyType::kRsa2048}) {
    key_ = *tls::PrivateKey::generate(type);
    const auto issued = issue(*server, {"a.example.com"});
    ASSERT_TRUE(issued) << why(issued);
    const acme::Account stranger{*tls::PrivateKey::generate(tls::KeyType::kP256), ""};
    const auto reason = RevocationReason::kKeyCompromise;
    EXPECT_FALSE(run(acme::revoke_certificate(ca->client, stranger, der(*issued), reason, soon())));
    const acme::Account owner{key_, ""};
    const auto told =
        run(acme::revoke_certificate(ca->client, owner, der(*issued), reason, soon()));
    EXPECT_TRUE(told) << why(told);
  }
}

}  // namespace
}  // namespace gatehouse::certs::account_pebble_test
