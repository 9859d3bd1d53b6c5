#include "certs/dns_challenges.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"
#include "tests/dns/fake_server.h"

namespace gatehouse::certs::dns_challenges_test {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// What a provider was told, and how it behaves.
struct Told {
  std::vector<std::string> calls;  // "add NAME VALUE"
  std::size_t most_values = 100;
  std::size_t at_once = 0;
  std::string add_fails;
  std::string remove_fails;
};

class FakeProvider : public DnsProvider {
 public:
  FakeProvider(base::Loop& loop, Told& told) : loop_(loop), told_(told) {}

  const std::string& id() const override { return id_; }
  std::size_t most_values() const override { return told_.most_values; }
  base::Task<base::Result<void>> add(std::string name, std::string value, base::Deadline) override {
    return call("add", name, value, told_.add_fails);
  }
  base::Task<base::Result<void>> remove(std::string name, std::string value,
                                        base::Deadline) override {
    return call("remove", name, value, told_.remove_fails);
  }

 private:
  base::Task<base::Result<void>> call(std::string word, std::string name, std::string value,
                                      std::string fails) {
    EXPECT_EQ(told_.at_once++, 0u) << "two calls at once";
    co_await loop_.yield();
    --told_.at_once;
    told_.calls.push_back(word + " " + name + " " + value);
    if (fails.empty()) co_return base::Result<void>();
    co_return base::fail(base::Code::kDenied, fails);
  }

  base::Loop& loop_;
  Told& told_;
  std::string id_ = "fake";
};

// A process: what it has of DNS, on a storage that others may share.
struct Process {
  Process(base::Loop& l, Told& told, storage::Storage& storage, DnsOptions options)
      : loop(l),
        tasks(l),
        dns(DnsChallenges::Parts{l, blocking, storage, tasks},
            std::make_unique<FakeProvider>(l, told), std::move(options)) {}
  ~Process() { run_task(loop, tasks.close()); }

  base::Loop& loop;
  base::BlockingPool blocking{1};
  base::Gate tasks;
  DnsChallenges dns;
};

class DnsChallengesTest : public ::testing::Test {
 protected:
  DnsOptions options() {
    DnsOptions options;
    options.resolvers.push_back(server.endpoint());
    options.servers.emplace();
    options.servers->push_back(server.endpoint());
    return options;
  }
  std::unique_ptr<Process> process(DnsOptions options) {
    return std::make_unique<Process>(loop, told, storage, std::move(options));
  }
  // Set and shown; withdrawn when it is not.
  base::Result<DnsRecord> present(Process& by, std::string name, std::string value) {
    auto record = run_task(loop, by.dns.present(std::move(name), std::move(value), soon()));
    if (!record) return record;
    auto shown = run_task(loop, by.dns.shown(*record, base::Clock::now(), soon()));
    if (shown) return record;
    withdraw(by, std::move(record));
    return base::fail(std::move(shown.error()));
  }
  void withdraw(Process& by, base::Result<DnsRecord> record) {
    run_task(loop, as_result(by.dns.withdraw(std::move(*record))));
  }
  void remove_leftovers(Process& by) { run_task(loop, as_result(by.dns.remove_leftovers())); }
  // Once no task of the process is left; it takes no more.
  void settle(Process& by) { run_task(loop, by.tasks.close()); }
  static base::Task<int> as_result(base::Task<void> task) {
    co_await std::move(task);
    co_return 0;
  }
  static base::Deadline soon() { return base::Deadline::in(base::Duration(20'000)); }
  std::size_t notes() { return storage.held().records.size(); }
  void shows(std::string name, std::string value) {
    server.add(std::move(name), dns::Type::kTxt, dns::text_data(value));
  }

  base::Loop loop;
  dns::FakeServer server;
  Told told;
  MemoryStorage storage{loop};
};

TEST_F(DnsChallengesTest, AValueStandsFromPresentToWithdraw) {
  shows("_acme-challenge.a.example", "v");
  const auto by = process(options());
  auto record = present(*by, "a.example", "v");
  ASSERT_TRUE(record) << record.error().detail;
  EXPECT_EQ(notes(), 1u);
  withdraw(*by, std::move(record));
  settle(*by);
  EXPECT_THAT(told.calls,
              ElementsAre("add _acme-challenge.a.example v", "remove _acme-challenge.a.example v"));
  EXPECT_EQ(notes(), 0u);
  EXPECT_TRUE(storage.held().leased.empty());
}

TEST_F(DnsChallengesTest, TheValueIsSetWhereTheAliasesEnd) {
  server.add("_acme-challenge.a.example", dns::Type::kCname, dns::name_data("a.auth.example"));
  shows("a.auth.example", "v");
  const auto by = process(options());
  withdraw(*by, present(*by, "a.example", "v"));
  settle(*by);
  EXPECT_THAT(told.calls, ElementsAre("add a.auth.example v", "remove a.auth.example v"));
}

TEST_F(DnsChallengesTest, WhatFailedToBeSetIsWithdrawnAllTheSame) {
  told.add_fails = "no such zone";
  const auto by = process(options());
  const auto record = present(*by, "a.example", "v");
  ASSERT_FALSE(record);
  EXPECT_EQ(record.error().detail, "_acme-challenge.a.example: no such zone");
  settle(*by);
  EXPECT_THAT(told.calls,
              ElementsAre("add _acme-challenge.a.example v", "remove _acme-challenge.a.example v"));
  EXPECT_EQ(notes(), 0u);
}

TEST_F(DnsChallengesTest, WhatIsNotSeenInTimeIsWithdrawn) {
  DnsOptions impatient = options();
  impatient.propagation = base::Duration(100);
  const auto by = process(impatient);
  auto set = run_task(loop, by->dns.present("a.example", "v", soon()));
  ASSERT_TRUE(set);
  const auto end = base::Deadline::in(base::Duration(200));
  const auto record = run_task(loop, by->dns.shown(*set, base::Clock::now(), end));
  ASSERT_FALSE(record);
  withdraw(*by, std::move(set));
  EXPECT_THAT(record.error().detail, HasSubstr("is not everywhere yet: 127.0.0.1:"));
  settle(*by);
  EXPECT_EQ(told.calls.size(), 2u);
  EXPECT_EQ(notes(), 0u);
}

TEST_F(DnsChallengesTest, NobodyIsAskedWhenTheListOfServersIsEmpty) {
  DnsOptions trusting = options();
  trusting.servers->clear();
  const auto by = process(trusting);
  EXPECT_TRUE(present(*by, "a.example", "v"));
  EXPECT_EQ(server.asked("_acme-challenge.a.example", dns::Type::kTxt), 0);
}

TEST_F(DnsChallengesTest, ACrashLeavesANoteByWhichTheNextLifeCleansUp) {
  shows("_acme-challenge.a.example", "v");
  {
    const auto crashed = process(options());
    ASSERT_TRUE(present(*crashed, "a.example", "v"));  // the record dies, and its lease with it
  }
  EXPECT_EQ(notes(), 1u);
  told.calls.clear();
  const auto next = process(options());
  remove_leftovers(*next);
  EXPECT_THAT(told.calls, ElementsAre("remove _acme-challenge.a.example v"));
  EXPECT_EQ(notes(), 0u);
}

TEST_F(DnsChallengesTest, WhatAnotherProcessStillNeedsIsNoLeftover) {
  shows("_acme-challenge.a.example", "v");
  const auto one = process(options());
  auto record = present(*one, "a.example", "v");
  const auto another = process(options());
  remove_leftovers(*another);
  EXPECT_EQ(told.calls.size(), 1u);
  withdraw(*one, std::move(record));
  settle(*one);
  EXPECT_EQ(notes(), 0u);
}

TEST_F(DnsChallengesTest, WhatCannotBeRemovedIsTriedAgainAtTheNextStart) {
  shows("_acme-challenge.a.example", "v");
  told.remove_fails = "the API is down";
  {
    const auto by = process(options());
    withdraw(*by, present(*by, "a.example", "v"));
    settle(*by);
    EXPECT_EQ(notes(), 1u);
    EXPECT_TRUE(storage.held().leased.empty());
  }
  told.remove_fails.clear();
  const auto next = process(options());
  remove_leftovers(*next);
  EXPECT_EQ(notes(), 0u);
}

TEST_F(DnsChallengesTest, ANoteThatCannotBeReadIsKeptAside) {
  shows("_acme-challenge.a.example", "v");
  const auto by = process(options());
  {
    auto record = present(*by, "a.example", "v");
  }
  for (auto& [key, text] : storage.held().records) text = "{\"name\": 7}";
  told.calls.clear();
  remove_leftovers(*by);
  EXPECT_THAT(told.calls, IsEmpty());
  EXPECT_EQ(notes(), 0u);
  EXPECT_EQ(storage.held().aside.size(), 1u);
}

TEST_F(DnsChallengesTest, WhatCannotBeRemovedIsTriedAgainInThisLifeToo) {
  shows("_acme-challenge.a.example", "v");
  const auto by = process(options());
  remove_leftovers(*by);  // as at start
  told.remove_fails = "the API is down";
  withdraw(*by, present(*by, "a.example", "v"));
  run_until(loop, [&] { return by->tasks.count() == 0; });
  remove_leftovers(*by);
  EXPECT_EQ(notes(), 1u);
  told.remove_fails.clear();
  told.calls.clear();
  remove_leftovers(*by);
  EXPECT_THAT(told.calls, ElementsAre("remove _acme-challenge.a.example v"));
  EXPECT_EQ(notes(), 0u);
  told.calls.clear();
  remove_leftovers(*by);
  EXPECT_THAT(told.calls, IsEmpty());
}

TEST_F(DnsChallengesTest, ARemovalThatFailsForEverEnds) {
  shows("_acme-challenge.a.example", "v");
  told.remove_fails = "no such zone";
  const auto by = process(options());
  withdraw(*by, present(*by, "a.example", "v"));
  run_until(loop, [&] { return by->tasks.count() == 0; });
  told.calls.clear();
  for (unsigned i = 0; i < DnsChallenges::kRemovals + 10; ++i) remove_leftovers(*by);
  EXPECT_EQ(told.calls.size(), DnsChallenges::kRemovals);
}

TEST_F(DnsChallengesTest, WhileTheProcessStopsARecordIsRemovedBeforeTheOrderEnds) {
  shows("_acme-challenge.a.example", "v");
  const auto by = process(options());
  auto record = present(*by, "a.example", "v");
  by->tasks.shut();
  withdraw(*by, std::move(record));
  EXPECT_EQ(told.calls.size(), 2u);
  EXPECT_EQ(notes(), 0u);
}

TEST_F(DnsChallengesTest, NoMoreValuesStandAtOnceThanTheProviderHolds) {
  told.most_values = 1;
  for (const char* value : {"one", "two"}) shows("_acme-challenge.a.example", value);
  const auto by = process(options());
  auto one = present(*by, "a.example", "one");
  const auto late = base::Deadline::in(base::Duration(100));
  const auto two = run_task(loop, by->dns.present("a.example", "two", late));
  ASSERT_FALSE(two);
  EXPECT_EQ(two.error().code, base::Code::kTimeout);
  withdraw(*by, std::move(one));
  EXPECT_TRUE(present(*by, "a.example", "two"));
}

TEST_F(DnsChallengesTest, AStorageThatFailsDoesNotKeepACertificateBack) {
  shows("_acme-challenge.a.example", "v");
  storage.fail_stores = true;
  const auto by = process(options());
  EXPECT_TRUE(present(*by, "a.example", "v"));
}

}  // namespace
}  // namespace gatehouse::certs::dns_challenges_test
