#include "certs/acme_account.h"

#include <gmock/gmock.h>

#include "tests/acme/fake_ca.h"
#include "tests/acme/harness.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"

namespace gatehouse::certs::acme_account_test {
namespace {

using acme::FakeCa;
using acme::ScriptReply;
using acme::ScriptRequest;
using base::Deadline;

class AcmeAccountTest : public ::testing::Test {
 protected:
  // A process: its own memory and CA client, on the shared records.
  struct Process {
    Process(AcmeAccountTest& test, acme::Registration registration, std::vector<std::string> others,
            base::Duration key_age)
        : storage(test.house.loop, test.records),
          client(test.house.loop, test.house.http, test.ca.directory_url()),
          account(AcmeAccount::Parts{test.house.loop, test.blocking, storage, client, "ca.test",
                                     std::move(registration), std::move(others), key_age}) {}
    MemoryStorage storage;
    acme::Client client;
    AcmeAccount account;
  };

  std::unique_ptr<Process> process(std::string email = "ops@example.com",
                                   std::vector<std::string> others = {},
                                   base::Duration key_age = base::Duration(0)) {
    acme::Registration registration;
    registration.email = std::move(email);
    return std::make_unique<Process>(*this, registration, std::move(others), key_age);
  }
  acme::Outcome<acme::Account> get(Process& process) {
    return run_task(house.loop, process.account.get(soon()));
  }
  AccountRecord stored(const std::string& key = kKey) {
    return parse_account_record(records->records.at(key)).value();
  }
  bool outdated(Process& process, const acme::Account& used, const std::string& token,
                base::TimePoint since = base::Clock::now()) {
    acme::Problem problem;
    problem.type = token;
    problem.status = 403;
    const acme::Failure failure("newOrder", problem);
    return run_task(house.loop, process.account.outdated(used, since, failure));
  }
  static inline const std::string kKey = "accounts/ca.test/ops_40example.com";

  static Deadline soon() { return Deadline::in(base::Duration(20'000)); }

  FakeCa ca;
  acme::Harness house;
  base::BlockingPool blocking{1};
  std::shared_ptr<MemoryStorage::Records> records = std::make_shared<MemoryStorage::Records>();
};

TEST_F(AcmeAccountTest, IsRegisteredOnceAndReusedAfterARestart) {
  const auto first = get(*process());
  ASSERT_TRUE(first) << first.error().error.detail;
  const auto second = get(*process());
  ASSERT_TRUE(second);
  EXPECT_EQ(second->url, first->url);
  EXPECT_EQ(second->key.public_der(), first->key.public_der());
  EXPECT_EQ(ca.count("/new-account"), 1);
}

TEST_F(AcmeAccountTest, ItsKeyIsStoredBeforeTheCaHearsOfIt) {
  std::string stored;
  const auto one = process();
  ca.intercept = [&](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-account") return std::nullopt;
    stored = records->records[kKey];
    return FakeCa::problem(500, "serverInternal");
  };
  EXPECT_FALSE(get(*one));
  EXPECT_THAT(stored, ::testing::HasSubstr("PRIVATE KEY"));
  ca.intercept = nullptr;
  const auto after_crash = get(*process());
  ASSERT_TRUE(after_crash);
  EXPECT_THAT(stored, ::testing::HasSubstr(after_crash->key.pem().substr(40, 20)));  // the same key
}

TEST_F(AcmeAccountTest, IsNotMadeWhenItCannotBeKept) {
  const auto one = process();
  one->storage.fail_stores = true;
  EXPECT_FALSE(get(*one));
  EXPECT_EQ(ca.count("/new-account"), 0);
  one->storage.fail_stores = false;
  EXPECT_TRUE(get(*one));
}

TEST_F(AcmeAccountTest, IsNotReplacedWhileStorageIsDown) {
  ASSERT_TRUE(get(*process()));
  const auto one = process();
  one->storage.fail_loads = true;
  EXPECT_FALSE(get(*one));
  EXPECT_EQ(ca.count("/new-account"), 1);
}

TEST_F(AcmeAccountTest, ADamagedRecordIsKeptAsideAndReplaced) {
  const auto first = get(*process());
  const auto one = process();
  records->damaged.insert(kKey);
  const auto second = get(*one);
  ASSERT_TRUE(second);
  EXPECT_NE(second->url, first->url);
  EXPECT_TRUE(records->aside.contains(kKey));
}

TEST_F(AcmeAccountTest, ARecordThatIsNoAccountIsKeptAsideToo) {
  const auto one = process();
  for (const char* text : {"", "[]", "{}", R"({"key":7})", R"({"key":"no PEM","url":"x"})"}) {
    records->records[kKey] = text;
    const auto fresh = process();
    EXPECT_TRUE(get(*fresh)) << text;
    EXPECT_EQ(records->aside.erase(kKey), 1u) << text;
    records->records.clear();
  }
}

base::Task<int> get_many(base::Loop& loop, AcmeAccount& a, AcmeAccount& b) {
  int ended = 0;
  int good = 0;
  base::Event all(loop);
  auto one = [](AcmeAccount& account, int& e, int& g, base::Event& done) -> base::Task<void> {
    auto got = co_await account.get(Deadline::in(base::Duration(20'000)));
    if (got) ++g;
    if (++e == 20) done.set();
  };
  for (int i = 0; i < 10; ++i) {
    loop.spawn(one(a, ended, good, all), "a");
    loop.spawn(one(b, ended, good, all), "b");
  }
  auto waited = co_await all.wait();
  co_return good;
}

TEST_F(AcmeAccountTest, TwoProcessesRegisterOneAccountTogether) {
  const auto a = process();
  const auto b = process();
  EXPECT_EQ(run_task(house.loop, get_many(house.loop, a->account, b->account)), 20);
  EXPECT_EQ(ca.count("/new-account"), 1);
  EXPECT_TRUE(records->leased.empty());
}

TEST_F(AcmeAccountTest, LiesUnderItsEmail) {
  EXPECT_EQ(account_key("ca.test", "Ops@example.com"), kKey);
  EXPECT_EQ(account_key("ca.test", ""), "accounts/ca.test/default");
  EXPECT_TRUE(storage::is_key(account_key("ca.test", "../a b\xff@x/y")));
  EXPECT_TRUE(storage::is_key(account_key("ca.test", std::string(254, '@'))));
}

TEST_F(AcmeAccountTest, EachEmailOfTheConfigurationHasItsOwn) {
  const auto one = process("ops@example.com", {""});
  const auto other = process("", {"ops@example.com"});
  EXPECT_NE(get(*one)->url, get(*other)->url);
  EXPECT_EQ(ca.count("/account/"), 0);  // nothing to tell
}

TEST_F(AcmeAccountTest, StaysWhenTheEmailChangesAndTheCaIsToldOnce) {
  const auto before = get(*process("old@example.com"));
  nlohmann::json told;
  ca.intercept = [&](const ScriptRequest& request, const auto& payload) {
    if (request.path.starts_with("/account/")) told = payload;
    return std::optional<ScriptReply>();
  };
  for (int i = 0; i < 2; ++i) {
    const auto after = get(*process("new@example.com"));
    ASSERT_TRUE(after) << after.error().error.detail;
    EXPECT_EQ(after->url, before->url);
    EXPECT_EQ(after->key.public_der(), before->key.public_der());
  }
  EXPECT_EQ(told, nlohmann::json({{"contact", {"mailto:new@example.com"}}}));
  EXPECT_EQ(ca.count("/account/"), 1);
  EXPECT_EQ(ca.count("/new-account"), 1);
  // And back, or away.
  EXPECT_EQ(get(*process("old@example.com"))->url, before->url);
  EXPECT_EQ(get(*process(""))->url, before->url);
  EXPECT_EQ(told, nlohmann::json({{"contact", nlohmann::json::array()}}));
  EXPECT_EQ(records->records.size(), 1u);
}

TEST_F(AcmeAccountTest, AnEmailThatComesBackBesideItsAccountGetsAnotherOne) {
  const auto before = get(*process("ops@example.com"));
  ASSERT_EQ(get(*process("new@example.com"))->url, before->url);  // lies under the old one still
  const auto other = get(*process("ops@example.com", {"new@example.com"}));
  ASSERT_TRUE(other);
  EXPECT_NE(other->url, before->url);
  EXPECT_EQ(get(*process("ops@example.com", {"new@example.com"}))->url, other->url);
  EXPECT_EQ(get(*process("new@example.com", {"ops@example.com"}))->url, before->url);
  EXPECT_EQ(ca.count("/account/"), 1);
}

TEST_F(AcmeAccountTest, AContactThatTheCaDoesNotTakeIsToldOnceAndKeepsNoOrderBack) {
  const auto before = get(*process("old@example.com"));
  ca.intercept = [&](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (!request.path.starts_with("/account/")) return std::nullopt;
    return FakeCa::problem(400, "invalidContact");
  };
  for (int i = 0; i < 2; ++i) EXPECT_EQ(get(*process("new@nowhere"))->url, before->url);
  EXPECT_EQ(ca.count("/account/"), 1);
}

TEST_F(AcmeAccountTest, AContactThatCouldNotBeToldIsToldTheNextTime) {
  const auto before = get(*process("old@example.com"));
  ca.intercept = [&](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (!request.path.starts_with("/account/")) return std::nullopt;
    return FakeCa::problem(403, "malformed");
  };
  const auto one = process("new@example.com");
  EXPECT_EQ(get(*one)->url, before->url);
  EXPECT_EQ(get(*one)->url, before->url);
  EXPECT_EQ(ca.count("/account/"), 1);
  ca.intercept = nullptr;
  EXPECT_EQ(get(*process("new@example.com"))->url, before->url);
  EXPECT_EQ(ca.count("/account/"), 2);
  EXPECT_FALSE(stored("accounts/ca.test/old_40example.com").contact_pending);
}

TEST_F(AcmeAccountTest, RegistersTheSameKeyWhenTheCaForgotItOnceAndNotInALoop) {
  const auto one = process();
  const auto before = get(*one);
  const acme::Account another{before->key, "https://ca.test/another"};
  EXPECT_TRUE(outdated(*one, another, "accountDoesNotExist"));
  EXPECT_EQ(get(*one)->url, before->url);
  EXPECT_EQ(ca.count("/new-account"), 1);
  // A process that did not register it just now.
  const auto two = process();
  ASSERT_TRUE(get(*two));
  const auto since = base::Clock::now();
  EXPECT_TRUE(outdated(*two, *before, "accountDoesNotExist", since));
  const auto after = get(*two);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->key.public_der(), before->key.public_der());
  EXPECT_EQ(ca.count("/new-account"), 2);
  // Who asked before that was done asks again; a CA that forgets at once is not asked for more.
  EXPECT_TRUE(outdated(*two, *after, "accountDoesNotExist", since));
  EXPECT_FALSE(outdated(*two, *after, "accountDoesNotExist"));
  EXPECT_EQ(ca.count("/new-account"), 2);
}

TEST_F(AcmeAccountTest, AnErrorThatIsNotOfTheAccountChangesNothing) {
  const auto one = process();
  const auto account = get(*one);
  EXPECT_FALSE(outdated(*one, *account, "malformed"));
  EXPECT_FALSE(outdated(*one, *account, "unauthorized"));
}

TEST_F(AcmeAccountTest, ANewKeyIsStoredBesideTheOldOneBeforeTheCaHearsOfIt) {
  const auto one = process();
  const auto before = get(*one);
  std::optional<AccountRecord> meanwhile;
  ca.intercept = [&](const ScriptRequest& request, const auto&) {
    if (request.path == "/key-change") meanwhile = stored();
    return std::optional<ScriptReply>();
  };
  const auto after = run_task(house.loop, one->account.change_key(soon()));
  ASSERT_TRUE(after) << after.error().error.detail;
  EXPECT_EQ(after->url, before->url);
  ASSERT_TRUE(meanwhile && meanwhile->next_key);
  EXPECT_EQ(meanwhile->account.key.public_der(), before->key.public_der());
  EXPECT_EQ(meanwhile->next_key->public_der(), after->key.public_der());
  EXPECT_FALSE(stored().next_key);
  EXPECT_EQ(get(*process())->key.public_der(), after->key.public_der());
}

TEST_F(AcmeAccountTest, AKilledChangeOfItsKeyIsSettledByAskingTheCa) {
  // The process dies at its first, second, third write: before the CA hears of it, or after.
  for (int writes = 0; writes < 3; ++writes) {
    const auto before = get(*process());
    ASSERT_TRUE(before);
    const auto one = process();
    one->storage.stores_left = writes;
    (void)run_task(house.loop, one->account.change_key(soon()));
    const bool changed = writes > 0;  // the new key was stored, so the CA was told of it
    const auto after = get(*process());
    ASSERT_TRUE(after) << after.error().error.detail;
    EXPECT_EQ(after->url, before->url);
    EXPECT_EQ(after->key.public_der() != before->key.public_der(), changed) << writes;
    EXPECT_FALSE(stored().next_key);
  }
  // And between its writes and the CA.
  const auto before = get(*process());
  AccountRecord record = stored();
  record.next_key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  records->records[kKey] = to_text(record);
  EXPECT_EQ(get(*process())->key.public_der(), before->key.public_der());
  EXPECT_FALSE(stored().next_key);
  EXPECT_EQ(ca.count("/new-account"), 3);  // who is asked: the first, and twice for both keys
}

TEST_F(AcmeAccountTest, AChangeOfItsKeyWhoseAnswerWasLostIsNoticed) {
  const auto one = process();
  const auto before = get(*one);
  ca.lose_key_changes = true;
  const auto after = run_task(house.loop, one->account.change_key(soon()));
  ASSERT_TRUE(after) << after.error().error.detail;
  EXPECT_NE(after->key.public_der(), before->key.public_der());
  EXPECT_EQ(get(*process())->key.public_der(), after->key.public_der());
}

TEST_F(AcmeAccountTest, IsNotUsedWhileNobodySaysWhichKeyItHas) {
  ASSERT_TRUE(get(*process()));
  AccountRecord record = stored();
  record.next_key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  records->records[kKey] = to_text(record);
  ca.intercept = [&](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-account") return std::nullopt;
    return FakeCa::problem(403, "rateLimited");
  };
  EXPECT_FALSE(get(*process()));
  EXPECT_TRUE(stored().next_key);
}

TEST_F(AcmeAccountTest, AnOldKeyIsChangedAndAYoungOneIsNot) {
  const auto first = get(*process());
  const base::Duration day = std::chrono::hours(24);
  EXPECT_EQ(get(*process("ops@example.com", {}, day))->key.public_der(), first->key.public_der());
  AccountRecord record = stored();
  record.key_since -= std::chrono::hours(25);
  records->records[kKey] = to_text(record);
  const auto one = process("ops@example.com", {}, day);
  const auto second = get(*one);
  ASSERT_TRUE(second);
  EXPECT_EQ(second->url, first->url);
  EXPECT_NE(second->key.public_der(), first->key.public_der());
  EXPECT_EQ(get(*one)->key.public_der(), second->key.public_der());
  EXPECT_EQ(ca.count("/key-change"), 1);
}

TEST_F(AcmeAccountTest, AKeyThatTheCaDoesNotChangeKeepsNoOrderBack) {
  const auto first = get(*process());
  AccountRecord record = stored();
  record.key_since = base::WallTime();  // not known: of an older gatehouse
  records->records[kKey] = to_text(record);
  ca.intercept = [&](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/key-change") return std::nullopt;
    return FakeCa::problem(403, "malformed");
  };
  const auto one = process("ops@example.com", {}, std::chrono::hours(24));
  for (int i = 0; i < 2; ++i) EXPECT_EQ(get(*one)->key.public_der(), first->key.public_der());
  EXPECT_EQ(ca.count("/key-change"), 1);
}

TEST_F(AcmeAccountTest, AChangeFromElsewhereIsReadFromStorageOnceTheCaRefusesTheOldKey) {
  const auto server = process();
  const auto before = get(*server);
  const auto command = process();
  const auto after = run_task(house.loop, command->account.change_key(soon()));
  ASSERT_TRUE(before && after);
  EXPECT_EQ(get(*server)->key.public_der(), before->key.public_der());  // nothing tells it
  EXPECT_TRUE(outdated(*server, *before, "malformed"));
  EXPECT_EQ(get(*server)->key.public_der(), after->key.public_der());
  EXPECT_FALSE(outdated(*server, *after, "malformed"));
}

TEST_F(AcmeAccountTest, ADeactivatedOneMakesWayForAnotherWithAnotherKey) {
  const auto server = process();
  const auto before = get(*server);
  const auto url = run_task(house.loop, process()->account.deactivate(soon()));
  ASSERT_TRUE(url) << url.error().error.detail;
  EXPECT_EQ(*url, before->url);
  EXPECT_TRUE(records->records.empty());
  EXPECT_TRUE(outdated(*server, *before, "unauthorized"));
  const auto after = get(*server);
  ASSERT_TRUE(after);
  EXPECT_NE(after->url, before->url);
  EXPECT_NE(after->key.public_der(), before->key.public_der());
}

TEST_F(AcmeAccountTest, AKilledDeactivationIsEndedBeforeTheAccountIsUsedAgain) {
  const auto before = get(*process());
  AccountRecord record = stored();
  record.leaving = true;
  records->records[kKey] = to_text(record);
  nlohmann::json told;
  ca.intercept = [&](const ScriptRequest& request, const auto& payload) {
    if (request.path.starts_with("/account/")) told = payload;
    return std::optional<ScriptReply>();
  };
  EXPECT_NE(get(*process())->url, before->url);
  EXPECT_EQ(told, nlohmann::json({{"status", "deactivated"}}));
}

TEST_F(AcmeAccountTest, ADeactivationThatTheCaRefusesLeavesItAsItWas) {
  const auto before = get(*process());
  ca.intercept = [&](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (!request.path.starts_with("/account/")) return std::nullopt;
    return FakeCa::problem(403, "rateLimited");
  };
  EXPECT_FALSE(run_task(house.loop, process()->account.deactivate(soon())));
  EXPECT_FALSE(stored().leaving);
  EXPECT_EQ(get(*process())->url, before->url);
}

TEST_F(AcmeAccountTest, IsFoundWithoutBeingMade) {
  const auto none = run_task(house.loop, process()->account.find(soon()));
  ASSERT_TRUE(none);
  EXPECT_FALSE(*none);
  EXPECT_FALSE(run_task(house.loop, process()->account.change_key(soon())));
  EXPECT_EQ(ca.count("/new-account"), 0);
  const auto account = get(*process());
  EXPECT_EQ(run_task(house.loop, process()->account.find(soon())).value()->url, account->url);
}

}  // namespace
}  // namespace gatehouse::certs::acme_account_test
