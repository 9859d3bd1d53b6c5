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
    Process(AcmeAccountTest& test, acme::Registration registration)
        : storage(test.house.loop, test.records),
          client(test.house.loop, test.house.http, test.ca.directory_url()),
          account(AcmeAccount::Parts{test.house.loop, test.blocking, storage, client, "ca.test",
                                     std::move(registration)}) {}
    MemoryStorage storage;
    acme::Client client;
    AcmeAccount account;
  };

  std::unique_ptr<Process> process(std::string email = "ops@example.com") {
    acme::Registration registration;
    registration.email = std::move(email);
    return std::make_unique<Process>(*this, registration);
  }
  acme::Outcome<acme::Account> get(Process& process) {
    return run_task(house.loop, process.account.get(soon()));
  }
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
    stored = records->records[one->account.storage_key()];
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
  records->damaged.insert(one->account.storage_key());
  const auto second = get(*one);
  ASSERT_TRUE(second);
  EXPECT_NE(second->url, first->url);
  EXPECT_TRUE(records->aside.contains(one->account.storage_key()));
}

TEST_F(AcmeAccountTest, ARecordThatIsNoAccountIsKeptAsideToo) {
  const auto one = process();
  for (const char* text : {"", "[]", "{}", R"({"key":7})", R"({"key":"no PEM","url":"x"})"}) {
    records->records[one->account.storage_key()] = text;
    const auto fresh = process();
    EXPECT_TRUE(get(*fresh)) << text;
    EXPECT_EQ(records->aside.erase(one->account.storage_key()), 1u) << text;
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

TEST_F(AcmeAccountTest, EachContactHasItsOwn) {
  const auto one = process("Ops@example.com");
  const auto other = process("");
  EXPECT_EQ(one->account.storage_key(), "accounts/ca.test/ops_40example.com");
  EXPECT_EQ(other->account.storage_key(), "accounts/ca.test/default");
  EXPECT_TRUE(storage::is_key(process("../a b\xff@x/y")->account.storage_key()));
  EXPECT_TRUE(storage::is_key(process(std::string(254, '@'))->account.storage_key()));
  EXPECT_NE(get(*one)->url, get(*other)->url);
}

TEST_F(AcmeAccountTest, RegistersTheSameKeyWhenTheCaForgotIt) {
  const auto one = process();
  const auto before = get(*one);
  one->account.forget("https://ca.test/another");
  EXPECT_EQ(get(*one)->url, before->url);
  EXPECT_EQ(ca.count("/new-account"), 1);
  one->account.forget(before->url);
  const auto after = get(*one);
  ASSERT_TRUE(after);
  EXPECT_EQ(after->key.public_der(), before->key.public_der());
  EXPECT_EQ(ca.count("/new-account"), 2);
}

}  // namespace
}  // namespace gatehouse::certs::acme_account_test
