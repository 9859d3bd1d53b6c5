// Revoking what storage holds, at a real CA.
#include "certs/revoke.h"

#include <gmock/gmock.h>

#include "certs/compromised_keys.h"
#include "certs/inventory.h"
#include "tests/certs/acme_house.h"
#include "tests/certs/pebble_house.h"

namespace gatehouse::certs::revoke_test {
namespace {

using acme::RevocationReason;
using Outcomes = base::Result<std::vector<RevokeOutcome>>;

class RevokeTest : public PebbleHouse {
 protected:
  RevokeTest() {
    start();
    ca_ = issuer(options({kHttp}));
    config::AcmeIssuer wanted;
    wanted.directory = options({}).directory;
    wanted.email = options({}).email;
    wanted.ca_file = ca_file_;
    file_.tls.issuers.emplace_back(wanted);
  }

  // Stores a certificate for the name, with `key_`.
  Record obtain(const std::string& name) {
    auto issued = issue(*ca_, {name});
    EXPECT_TRUE(issued) << why(issued);
    Record record;
    record.issuer = ca_->id();
    record.names = {name};
    record.obtained = base::wall_now();
    record.ca = ca_->origin().ca;
    record.account = ca_->origin().account;
    record.certificate = std::move(*issued);
    EXPECT_TRUE(run_task(loop_, inventory_.save(record)));
    return record;
  }
  Outcomes revoke(RevokeRequest request) {
    Revoke work(Revoke::Parts{loop_, blocking_, resolver_, storage_, file_}, std::move(request));
    return run_task(loop_, work.run());
  }
  static RevokeRequest request(std::string name, RevocationReason reason) {
    RevokeRequest request;
    request.name = std::move(name);
    request.reason = reason;
    return request;
  }
  Record stored(const std::string& name) {
    return run_task(loop_, inventory_.load(ca_->id(), name)).value();
  }

  std::unique_ptr<AcmeIssuer> ca_;
  config::Config file_;
  Inventory inventory_{blocking_, storage_};
};

TEST_F(RevokeTest, MarksTheRecordAndSaysWhereItCameFrom) {
  const Record record = obtain("a.example.com");
  const auto outcomes = revoke(request("a.example.com", RevocationReason::kSuperseded));
  ASSERT_TRUE(outcomes) << outcomes.error().detail;
  ASSERT_EQ(outcomes->size(), 1u);
  EXPECT_TRUE(outcomes->front().told) << outcomes->front().error;
  const Record now = stored("a.example.com");
  ASSERT_TRUE(now.revoked);
  EXPECT_TRUE(now.revoked->told && now.revoked->replace);
  EXPECT_EQ(now.revoked->reason, RevocationReason::kSuperseded);
  EXPECT_GE(now.revoked->at, record.obtained);
  EXPECT_EQ(now.ca, file_.tls.issuers.empty() ? "" : options({}).directory);
  EXPECT_FALSE(now.account.empty());
}

TEST_F(RevokeTest, AKillBeforeItsLastWriteIsMadeGoodBySayingItAgain) {
  obtain("a.example.com");
  storage_.stores_left = 1;  // the mark, but not that the CA has confirmed it
  const auto killed = revoke(request("a.example.com", RevocationReason::kSuperseded));
  ASSERT_TRUE(killed);
  storage_.stores_left = -1;
  ASSERT_TRUE(stored("a.example.com").revoked);
  EXPECT_FALSE(stored("a.example.com").revoked->told);
  // The CA says alreadyRevoked, which is as good.
  const auto again = revoke(request("a.example.com", RevocationReason::kSuperseded));
  ASSERT_TRUE(again);
  EXPECT_TRUE(again->front().told) << again->front().error;
  EXPECT_TRUE(stored("a.example.com").revoked->told);
}

TEST_F(RevokeTest, NothingIsMarkedWhereTheCaCannotBeReachedUnlessTheKeyIsKnownToOthers) {
  obtain("a.example.com");
  pebble_.reset();
  const auto in_vain = revoke(request("a.example.com", RevocationReason::kUnspecified));
  ASSERT_TRUE(in_vain);
  EXPECT_FALSE(in_vain->front().known);
  EXPECT_NE(in_vain->front().error, "");
  EXPECT_FALSE(stored("a.example.com").revoked);
  const auto compromised = revoke(request("a.example.com", RevocationReason::kKeyCompromise));
  ASSERT_TRUE(compromised);
  EXPECT_TRUE(compromised->front().known);
  EXPECT_FALSE(compromised->front().told);
  ASSERT_TRUE(stored("a.example.com").revoked);
  EXPECT_FALSE(stored("a.example.com").revoked->told);
}

TEST_F(RevokeTest, ACompromisedKeyTakesEveryCertificateThatHasIt) {
  obtain("a.example.com");
  obtain("b.example.com");
  const tls::PrivateKey compromised = key_;
  key_ = *tls::PrivateKey::generate(tls::KeyType::kP256);
  obtain("c.example.com");
  const auto outcomes = revoke(request("a.example.com", RevocationReason::kKeyCompromise));
  ASSERT_TRUE(outcomes) << outcomes.error().detail;
  std::vector<std::string> names;
  for (const RevokeOutcome& one : *outcomes) {
    EXPECT_TRUE(one.told) << one.name << one.error;
    names.push_back(one.name);
  }
  EXPECT_THAT(names, ::testing::ElementsAre("a.example.com", "b.example.com"));
  EXPECT_FALSE(stored("c.example.com").revoked);
  CompromisedKeys keys(storage_);
  EXPECT_TRUE(run_task(loop_, keys.contains(compromised)).value());
  EXPECT_FALSE(run_task(loop_, keys.contains(key_)).value());
}

TEST_F(RevokeTest, ItsOwnKeyRevokesWhereTheAccountIsGoneOrAnother) {
  obtain("a.example.com");
  obtain("b.example.com");
  std::erase_if(storage_.held().records,
                [](const auto& entry) { return entry.first.starts_with("accounts/"); });
  const auto gone = revoke(request("a.example.com", RevocationReason::kUnspecified));
  ASSERT_TRUE(gone);
  EXPECT_TRUE(gone->front().told) << gone->front().error;
  // None was made for that; here is another one.
  for (const auto& [key, text] : storage_.held().records) {
    EXPECT_FALSE(key.starts_with("accounts/")) << key;
  }
  ca_ = issuer(options({kHttp}));
  obtain("c.example.com");
  const auto another = revoke(request("b.example.com", RevocationReason::kUnspecified));
  ASSERT_TRUE(another);
  EXPECT_TRUE(another->front().told) << another->front().error;
}

TEST_F(RevokeTest, TheLastWordOnItsReplacementCounts) {
  obtain("a.example.com");
  RevokeRequest wanted = request("a.example.com", RevocationReason::kUnspecified);
  for (const bool replace : {false, true}) {
    wanted.replace = replace;
    const auto outcomes = revoke(wanted);
    ASSERT_TRUE(outcomes);
    EXPECT_TRUE(outcomes->front().told);
    EXPECT_EQ(stored("a.example.com").revoked->replace, replace);
  }
}

TEST_F(RevokeTest, ANameWithoutACertificateIsAnError) {
  const auto outcomes = revoke(request("a.example.com", RevocationReason::kUnspecified));
  ASSERT_FALSE(outcomes);
  EXPECT_EQ(outcomes.error().code, base::Code::kNotFound);
}

struct RevokeAtFormerCaTest : AcmeHouse {
  RevokeAtFormerCaTest() { file.tls.issuers.emplace_back(config::AcmeIssuer()); }

  RevokeOutcome revoke(const std::string& directory) {
    auto issued = issue({"a.test"});
    EXPECT_TRUE(issued) << why(issued);
    Record record;
    record.issuer = issuer().id();
    record.names = {"a.test"};
    record.obtained = base::wall_now();
    record.ca = directory;
    record.certificate = std::move(*issued);
    EXPECT_TRUE(run_task(loop, inventory.save(record)));
    RevokeRequest request;
    request.name = "a.test";
    Revoke work(Revoke::Parts{loop, blocking, resolver, storage, file}, std::move(request));
    return run_task(loop, work.run()).value().front();
  }

  config::Config file;
  Inventory inventory{blocking, storage};
};

TEST_F(RevokeAtFormerCaTest, TheCertificatesOwnKeyRevokes) {
  const RevokeOutcome outcome = revoke(ca.directory_url());
  EXPECT_TRUE(outcome.known && outcome.told) << outcome.error;
  EXPECT_EQ(ca.count("/revoke"), 1);
}

TEST_F(RevokeAtFormerCaTest, WhereNothingTellsTheDirectoryThatIsSaid) {
  const RevokeOutcome outcome = revoke("");
  EXPECT_FALSE(outcome.known || outcome.told);
  EXPECT_THAT(outcome.error, ::testing::HasSubstr("name it in the configuration again"));
}

}  // namespace
}  // namespace gatehouse::certs::revoke_test
