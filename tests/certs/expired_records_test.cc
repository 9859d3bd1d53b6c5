// What leaves storage because it expired long ago, and what stays.
#include "certs/expired_records.h"

#include <gmock/gmock.h>

#include "tests/certs/automation_house.h"

namespace gatehouse::certs::expired_records_test {
namespace {

using std::chrono::days;
using ::testing::ElementsAre;

struct ExpiredRecordsTest : AutomationHouse {
  ExpiredRecordsTest() { ca().life = days(90); }

  // A record of a certificate that ended so long ago, with all that may lie beside it.
  void keep(const std::string& name, std::chrono::seconds ago, const std::string& issuer = "main",
            std::optional<Revocation> revoked = std::nullopt) {
    Record record;
    record.issuer = issuer;
    record.names = {name};
    record.obtained = now - ago - days(90);
    record.revoked = revoked;
    const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
    record.certificate = make_certificate(key, {name}, record.obtained, now - ago);
    MemoryStorage storage(loop, records);
    base::BlockingPool blocking(1);
    Inventory inventory(blocking, storage);
    ASSERT_TRUE(run_task(loop, inventory.save_imported(record)));
    RenewalPlan plan;
    plan.serial = record.certificate->leaf().serial;
    ASSERT_TRUE(run_task(loop, inventory.save_plan(issuer, name, plan)));
  }
  std::vector<std::string> kept() {
    std::vector<std::string> keys;
    for (const auto& [key, record] : records->records) {
      const bool of_certificates = key.starts_with("certificates/") ||
                                   key.starts_with("renewals/") || key.starts_with("imports/");
      if (of_certificates) keys.push_back(key);
    }
    return keys;
  }
};

TEST_F(ExpiredRecordsTest, LeaveWithTheirKeysPlansAndNotesWhereNoSiteHasTheNameOrItIsOnDemand) {
  add_site({"b.example"}, true);
  keep("a.example", days(15));
  keep("a.example", days(15), "gone");
  keep("b.example", days(15));
  Process& process = start();
  until([&] { return kept().empty(); });
  EXPECT_EQ(process.certificates.size(), 0u);
}

TEST_F(ExpiredRecordsTest, StayForTwoWeeks) {
  add_site({"b.example"}, true);
  keep("a.example", days(13));
  Process& process = start();
  settle();
  EXPECT_THAT(kept(), ElementsAre("certificates/main/a.example", "imports/a.example",
                                  "renewals/main/a.example"));
  pass(process, days(2));
  until([&] { return kept().empty(); });
}

TEST_F(ExpiredRecordsTest, StayWhereAnOrderForASiteIsToReplaceThemOrWhereNoneIsWanted) {
  add_site({"a.example"});
  add_site({"b.example"}, true);
  ca().fail("no");
  keep("a.example", days(30));
  Revocation withheld;
  withheld.replace = false;
  keep("b.example", days(30), "main", withheld);
  keep("c.example", days(30), "main", withheld);
  Process& process = start();
  settle();
  pass(process, days(2));
  settle();
  for (const char* name : {"a.example", "b.example", "c.example"}) {
    EXPECT_TRUE(records->records.contains(std::string("certificates/main/") + name)) << name;
  }
}

TEST_F(ExpiredRecordsTest, StayWhileSomebodyOrdersTheName) {
  add_site({"b.example"}, true);
  keep("b.example", days(15));
  keep("c.example", days(15));
  records->leased.insert("certificates/b.example");
  Process& process = start();
  until([&] { return !records->records.contains("certificates/main/c.example"); });  // after it
  EXPECT_TRUE(records->records.contains("certificates/main/b.example"));
  records->leased.erase("certificates/b.example");
  pass(process, days(1));
  until([&] { return kept().empty(); });
}

TEST_F(ExpiredRecordsTest, AreNotTakenForThoseThatAreRenewed) {
  add_site({"a.example"}, true);
  config.tls.on_demand.allow = {"a.example"};
  keep("a.example", days(15), "gone");
  Process& process = start();
  ASSERT_TRUE(ask(process, "a.example"));
  settle();
  pass(process, days(1));
  until([&] { return !records->records.contains("certificates/gone/a.example"); });
  EXPECT_TRUE(records->records.contains("certificates/main/a.example"));
}

}  // namespace
}  // namespace gatehouse::certs::expired_records_test
