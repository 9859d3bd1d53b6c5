// What others change in storage, processes and commands, and how soon a process hears of it.
#include "certs/changes.h"

#include <gmock/gmock.h>

#include "certs/change_watch.h"
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::changes_test {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

struct ChangesTest : ::testing::Test {
  void add(Changes& who, std::vector<std::string> labels) {
    EXPECT_TRUE(run_task(loop, who.add(std::move(labels))));
  }
  Changes::News news(Changes& who) { return run_task(loop, who.news()).value(); }

  base::Loop loop;
  MemoryStorage storage{loop};
  Changes one{storage};
  Changes other{storage};
};

TEST_F(ChangesTest, TellWhatWasAddedSinceTheLastLook) {
  EXPECT_THAT(news(one).labels, IsEmpty());
  add(other, {"a.example", "b.example"});
  EXPECT_THAT(news(one).labels, ElementsAre("a.example", "b.example"));
  EXPECT_THAT(news(one).labels, IsEmpty());
  add(other, {"c.example"});
  EXPECT_THAT(news(one).labels, ElementsAre("c.example"));
}

TEST_F(ChangesTest, TellNothingOfTheTimeBeforeTheFirstLookAndNothingToWhoAdded) {
  add(other, {"a.example"});
  EXPECT_THAT(news(one).labels, IsEmpty());
  add(one, {"b.example"});
  const auto mine = news(one);
  EXPECT_THAT(mine.labels, IsEmpty());
  EXPECT_FALSE(mine.all);
}

TEST_F(ChangesTest, SayWhenMoreWasAddedThanTheRecordHolds) {
  (void)news(one);
  add(other, {"a.example"});
  (void)news(one);
  add(other, std::vector<std::string>(Changes::kLabels + 1, "x.example"));
  EXPECT_TRUE(news(one).all);
  EXPECT_FALSE(news(one).all);
}

TEST_F(ChangesTest, SayThatAllMayHaveChangedWhenTheirRecordIsAnother) {
  add(other, {"a.example"});
  (void)news(one);
  storage.held().records["changes/latest"] = "rubbish";
  EXPECT_TRUE(news(one).all);
  EXPECT_TRUE(storage.held().aside.contains("changes/latest"));
  add(other, {"b.example"});
  EXPECT_THAT(news(one).labels, ElementsAre("b.example"));
}

struct ChangeWatchTest : AutomationHouse {
  static constexpr const char* kKey = "certificates/main/a.example";

  // Two processes that serve one certificate.
  void start_both() {
    first = &start();
    until([&] { return served(*first) != "none"; });
    settle();
    second = &start();
    until([&] { return served(*second) == served(*first); });
    settle();
  }
  // As the command does.
  void revoke(bool replace) {
    Record record = parse_record(records->records.at(kKey)).value();
    record.revoked.emplace();
    record.revoked->told = true;
    record.revoked->replace = replace;
    records->records[kKey] = to_text(record);
    MemoryStorage storage(loop, records);
    Changes changes(storage);
    ASSERT_TRUE(run_task(loop, changes.add({"a.example"})));
  }
  std::string served(Process& process, const std::string& name = "a.example") {
    return serial(process.certificates.find_exact(name));
  }

  Process* first = nullptr;
  Process* second = nullptr;
};

TEST_F(ChangeWatchTest, WhatWasRevokedIsServedByNoProcessThatWasNotToldEither) {
  add_site({"a.example"});
  start_both();
  revoke(false);
  for (Process* process : {first, second}) {
    pass(*process, minutes(1));
    until([&] { return served(*process) == "none"; });
  }
  settle();
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(ChangeWatchTest, WhatTakesThePlaceOfARevokedOneIsServedByAll) {
  add_site({"a.example"});
  start_both();
  const std::string old = served(*first);
  revoke(true);
  pass(*second, minutes(1));
  until([&] { return served(*second) != old && served(*second) != "none"; });
  settle();
  pass(*second, minutes(1));  // it tells the others
  settle();
  pass(*first, minutes(1));
  until([&] { return served(*first) == served(*second); });
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(ChangeWatchTest, ARenewalIsServedByAProcessThatWasNotAtIt) {
  add_site({"a.example"});
  start_both();
  const std::string old = served(*first);
  now += days(1);
  ASSERT_TRUE(run_task(loop, first->automation->renew({"a.example"}, true)));
  EXPECT_NE(served(*first), old);
  pass(*first, minutes(1));
  settle();
  EXPECT_EQ(served(*second), old);
  pass(*second, minutes(1));
  until([&] { return served(*second) == served(*first); });
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(ChangeWatchTest, ADemandByACommandThatFindsNoProcessIsMetByTheOneThatRuns) {
  add_site({"a.example"});
  Process& process = start();
  until([&] { return served(process) != "none"; });
  settle();
  now += days(1);
  Process& command = make();
  ASSERT_TRUE(run_task(loop, command.automation->renew({"a.example"}, false)));
  pass(process, minutes(1));
  until([&] { return ca().ordered.size() == 2; });
}

TEST_F(ChangeWatchTest, AllThatIsServedIsLookedAtWhenTooMuchHasChanged) {
  add_site({"a.example"});
  start_both();
  revoke(false);
  MemoryStorage storage(loop, records);
  Changes changes(storage);
  const std::vector<std::string> many(Changes::kLabels, "x.example");
  ASSERT_TRUE(run_task(loop, changes.add(many)));
  pass(*second, minutes(1));
  until([&] { return served(*second) == "none"; });
}

// Storage may have failed when it was obtained.
TEST_F(ChangeWatchTest, WhatIsBetterThanWhatStorageHoldsIsServedOn) {
  add_site({"a.example"});
  start_both();
  const std::string before = served(*first);
  Record older = parse_record(records->records.at(kKey)).value();
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  older.certificate = make_certificate(key, {"a.example"}, now - days(50), now + days(40));
  MemoryStorage storage(loop, records);
  Changes changes(storage);
  for (const bool there : {true, false}) {
    records->records[kKey] = to_text(older);
    if (!there) records->records.erase(kKey);
    ASSERT_TRUE(run_task(loop, changes.add({"a.example"})));
    pass(*first, minutes(1));
    settle();
    EXPECT_EQ(served(*first), before);
  }
}

// As when a CA of short-lived ones comes first now.
TEST_F(ChangeWatchTest, WhatWasSignedLastIsServedThoughAnOlderOneLastsLonger) {
  config.tls.issuers.emplace_back(acme("second"));
  add_site({"a.example"});
  start_both();
  Record shorter = parse_record(records->records.at(kKey)).value();
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  shorter.issuer = "second";
  shorter.certificate = make_certificate(key, {"a.example"}, now + minutes(1), now + days(6));
  records->records["certificates/second/a.example"] = to_text(shorter);
  MemoryStorage storage(loop, records);
  Changes changes(storage);
  for (int i = 0; i < 2; ++i) {
    ASSERT_TRUE(run_task(loop, changes.add({"a.example"})));
    pass(*second, minutes(1));
    until([&] { return served(*second) == serial(shorter.certificate); });
    settle();
  }
  EXPECT_EQ(served(*second), serial(shorter.certificate));
}

TEST_F(ChangeWatchTest, WhoAsksWhenToRenewServesWhatStorageHoldsThoughNobodyTold) {
  ca().renewal = acme::failed(base::Error(base::Code::kIo, base::Side::kCa, "down"));
  add_site({"a.example"});
  start_both();
  Record record = parse_record(records->records.at(kKey)).value();
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  record.certificate = make_certificate(key, {"a.example"}, now + hours(1), now + days(90));
  record.obtained = now + hours(1);
  records->records[kKey] = to_text(record);
  pass(*second, hours(2));
  until([&] { return served(*second) == serial(record.certificate); });
}

TEST_F(ChangeWatchTest, OfNamesThatShareOneTheOneThatIsRevokedGoesAndTheRestStay) {
  add_site({"a.example", "b.example"});
  Process& before = start();
  until([&] { return served(before) != "none" && served(before, "b.example") != "none"; });
  settle();
  stop(before);
  config.sites.clear();
  add_site({"a.example", "b.example"}).tls.one_certificate = true;
  ca().fail("no");
  Process& process = start();
  until([&] { return failures("a.example").has_value(); });
  Record record = parse_record(records->records.at("certificates/main/b.example")).value();
  EXPECT_EQ(served(process, "b.example"), serial(record.certificate));
  record.revoked.emplace();
  records->records["certificates/main/b.example"] = to_text(record);
  MemoryStorage storage(loop, records);
  Changes changes(storage);
  ASSERT_TRUE(run_task(loop, changes.add({"b.example"})));
  pass(process, minutes(0));
  until([&] { return served(process, "b.example") == "none"; });
  EXPECT_NE(served(process, "a.example"), "none");
}

}  // namespace
}  // namespace gatehouse::certs::changes_test
