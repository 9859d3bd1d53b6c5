// Revoking a certificate that lies in storage under several names, or under some of its names
// alone.
#include <gmock/gmock.h>

#include "certs/inventory.h"
#include "certs/revoke.h"
#include "tests/certs/acme_house.h"
#include "tests/certs/fake_issuer.h"

namespace gatehouse::certs::revoke_spread_test {
namespace {

using acme::RevocationReason;
using ::testing::ElementsAre;

struct RevokeSpreadTest : AcmeHouse {
  RevokeSpreadTest() { file.tls.issuers.emplace_back(config::AcmeIssuer()); }

  Record obtain(std::vector<std::string> names) {
    auto issued = issue(names);
    EXPECT_TRUE(issued) << why(issued);
    Record record;
    record.issuer = issuer().id();
    record.names = std::move(names);
    record.obtained = base::wall_now();
    record.ca = ca.directory_url();
    record.certificate = std::move(*issued);
    return record;
  }
  void save(Record record, std::vector<std::string> names) {
    record.names = std::move(names);
    EXPECT_TRUE(run(inventory.save(record)));
  }
  // One for two names, as an import keeps it: a record for each.
  Record spread() {
    const Record record = obtain({"a.test", "b.test"});
    save(record, {"a.test"});
    save(record, {"b.test"});
    return record;
  }
  RevokeOutcome revoke(std::string name, RevocationReason reason = RevocationReason::kSuperseded) {
    RevokeRequest request;
    request.name = std::move(name);
    request.reason = reason;
    Revoke work(Revoke::Parts{loop, blocking, resolver, storage, file}, std::move(request));
    auto outcomes = run(work.run());
    EXPECT_TRUE(outcomes) << outcomes.error().detail;
    EXPECT_EQ(outcomes->size(), 1u);
    return std::move(outcomes->front());
  }
  Record stored(const std::string& name) {
    return run(inventory.load(issuer().id(), name)).value();
  }

  config::Config file;
  Inventory inventory{blocking, storage};
};

TEST_F(RevokeSpreadTest, EachNameThatAnImportKeptItForLosesIt) {
  for (const auto reason : {RevocationReason::kSuperseded, RevocationReason::kKeyCompromise}) {
    storage.held().records.clear();
    issuer_.reset();
    const int before = ca.count("/revoke");
    key = *tls::PrivateKey::generate(tls::KeyType::kP256);
    spread();
    const RevokeOutcome outcome = revoke("b.test", reason);
    EXPECT_TRUE(outcome.known && outcome.told) << outcome.error;
    EXPECT_THAT(outcome.names, ElementsAre("b.test", "a.test"));
    EXPECT_EQ(ca.count("/revoke") - before, 1);
    for (const char* name : {"a.test", "b.test"}) {
      ASSERT_TRUE(stored(name).revoked) << name;
      EXPECT_TRUE(stored(name).revoked->told) << name;
      EXPECT_THAT(stored(name).names, ElementsAre(name));
    }
  }
}

TEST_F(RevokeSpreadTest, ItIsFoundUnderTheNameThatIsLeftToIt) {
  save(obtain({"a.test", "b.test"}), {"a.test", "b.test"});
  key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  const Record next = obtain({"a.test"});
  save(next, {"a.test"});
  for (const auto reason : {RevocationReason::kSuperseded, RevocationReason::kKeyCompromise}) {
    const RevokeOutcome outcome = revoke("b.test", reason);
    EXPECT_TRUE(outcome.known && outcome.told) << outcome.error;
    EXPECT_EQ(outcome.name, "b.test");
    EXPECT_TRUE(stored("b.test").revoked);
    EXPECT_FALSE(stored("a.test").revoked);
    EXPECT_EQ(stored("a.test").certificate->leaf().serial, next.certificate->leaf().serial);
  }
  EXPECT_EQ(ca.count("/revoke"), 2);
}

TEST_F(RevokeSpreadTest, EveryNameKeepsItWhenTheCaRefuses) {
  spread();
  script("/revoke",
         acme::ScriptReply(403, R"({"type": "urn:ietf:params:acme:error:badRevocationReason",
                                              "detail": "no"})"));
  const RevokeOutcome outcome = revoke("a.test");
  EXPECT_FALSE(outcome.known || outcome.told);
  EXPECT_NE(outcome.error, "");
  EXPECT_FALSE(stored("a.test").revoked);
  EXPECT_FALSE(stored("b.test").revoked);
}

TEST_F(RevokeSpreadTest, ANameThatIsBeingOrderedKeepsTheCaFromBeingTold) {
  spread();
  storage.held().leased.insert("certificates/b.test");
  const RevokeOutcome outcome = revoke("a.test");
  EXPECT_FALSE(outcome.known || outcome.told);
  EXPECT_NE(outcome.error, "");
  EXPECT_FALSE(stored("a.test").revoked);
  EXPECT_EQ(ca.count("/revoke"), 0);
}

TEST_F(RevokeSpreadTest, ThatItIsNotToBeReplacedCanBeTakenBackWhenItHasExpired) {
  Record record = obtain({"a.test"});
  const base::WallTime now = base::wall_now();
  record.certificate =
      make_certificate(key, {"a.test"}, now - std::chrono::days(9), now - std::chrono::days(1));
  record.revoked.emplace();
  record.revoked->replace = false;
  save(record, {"a.test"});
  const RevokeOutcome outcome = revoke("a.test");
  EXPECT_TRUE(outcome.known) << outcome.error;
  EXPECT_TRUE(stored("a.test").revoked->replace);
  EXPECT_EQ(ca.count("/revoke"), 0);
}

}  // namespace
}  // namespace gatehouse::certs::revoke_spread_test
