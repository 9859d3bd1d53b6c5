// Records in DNS that belong to an account: dns-persist-01 and dns-account-01.
#include "certs/dns_persist.h"

#include <gmock/gmock.h>

#include "tests/certs/acme_house.h"
#include "tests/dns/fake_server.h"

namespace gatehouse::certs::dns_persist_test {
namespace {

using acme::ChallengeType;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

const base::WallTime kNow = base::WallTime(std::chrono::seconds(1'800'000'000));

PersistentRecord wanted(bool wildcard = false) {
  PersistentRecord record;
  record.issuers = {"ca.example", "other.example"};
  record.account = "https://ca.example/acct/1";
  record.wildcard = wildcard;
  return record;
}
bool met(std::string_view record, bool wildcard = false) {
  return wanted(wildcard).met_by(record, kNow);
}

TEST(PersistentRecord, NamesTheCaAndTheAccount) {
  EXPECT_EQ(wanted().text(), "ca.example; accounturi=https://ca.example/acct/1");
  EXPECT_TRUE(met(wanted().text()));
  EXPECT_TRUE(met("Other.example;AccountURI = https://ca.example/acct/1 ;later=x"));
  EXPECT_FALSE(met("ca.example; accounturi=https://ca.example/acct/2"));
  EXPECT_FALSE(met("strange.example; accounturi=https://ca.example/acct/1"));
  EXPECT_FALSE(met("ca.example"));
}

TEST(PersistentRecord, SaysWhetherItIsForWildcardsAndUntilWhen) {
  EXPECT_FALSE(met(wanted().text(), true));
  EXPECT_TRUE(met(wanted(true).text(), true));
  EXPECT_TRUE(met(wanted(true).text()));
  EXPECT_TRUE(met(wanted().text() + "; persistUntil=1800000001"));
  EXPECT_FALSE(met(wanted().text() + "; persistUntil=1799999999"));
  EXPECT_FALSE(met(wanted().text() + "; persistUntil=soon"));
}

TEST(PersistentRecord, SaysNothingWhenItBreaksTheGrammar) {
  EXPECT_FALSE(met(wanted().text() + ";"));
  EXPECT_FALSE(met(wanted().text() + "; accounturi=https://ca.example/acct/1"));
  EXPECT_FALSE(met(wanted().text() + "; policy"));
}

TEST(AccountLabel, IsThatOfTheDraft) {
  EXPECT_EQ(acme::dns_account_label("https://example.com/acme/acct/ExampleAccount"),
            "_ujmmovf2vn55tgye");
}

// Sets what it is told to at a DNS server at once.
class Setter : public DnsProvider {
 public:
  Setter(dns::FakeServer& server, std::vector<std::string>& told) : server_(server), told_(told) {}
  const std::string& id() const override { return id_; }
  base::Task<base::Result<void>> add(std::string name, std::string value, base::Deadline) override {
    told_.push_back("add " + name + " " + value);
    server_.add(name, dns::Type::kTxt, dns::text_data(value));
    co_return base::Result<void>();
  }
  base::Task<base::Result<void>> remove(std::string name, std::string, base::Deadline) override {
    told_.push_back("remove " + name);
    co_return base::Result<void>();
  }

 private:
  dns::FakeServer& server_;
  std::vector<std::string>& told_;
  std::string id_ = "setter";
};

struct AccountInDnsTest : AcmeHouse {
  AccountInDnsTest() {
    skips = false;
    ca.challenge_types = {"dns-persist-01", "dns-account-01", "http-01"};
    where.resolvers.push_back(server.endpoint());
    where.servers.emplace(where.resolvers);
  }
  Issued issue_by(std::vector<ChallengeType> types, bool provided) {
    std::unique_ptr<DnsProvider> provider;
    if (provided) provider = std::make_unique<Setter>(server, told);
    const DnsChallenges::Parts needs{loop, blocking, storage, tasks};
    auto dns = std::make_unique<DnsChallenges>(needs, std::move(provider), where);
    AcmeOptions with = options();
    with.challenges = std::move(types);
    issuer_ = std::make_unique<AcmeIssuer>(parts(), std::move(with), std::move(dns));
    auto issued = issue();
    run_task(loop, close());
    return issued;
  }
  base::Task<int> close() {
    while (tasks.count() != 0) co_await loop.yield();
    co_return 0;
  }
  std::string value() { return "ca.example; accounturi=" + ca.url("/account/0"); }

  dns::FakeServer server;
  DnsOptions where;
  std::vector<std::string> told;
  base::Gate tasks{loop};
};

TEST_F(AccountInDnsTest, AMissingRecordIsNamedAndTheNextTypeTriedInTheSameOrder) {
  ASSERT_TRUE(issue_by({ChallengeType::kDnsPersist01, ChallengeType::kHttp01}, false));
  EXPECT_THAT(ca.validations(), ElementsAre("http-01 a.test"));
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(AccountInDnsTest, WithoutAnotherTypeTheOrderWaitsForTheRecord) {
  const auto issued = issue_by({ChallengeType::kDnsPersist01}, false);
  ASSERT_FALSE(issued);
  EXPECT_THAT(why(issued), HasSubstr("set a TXT record at _validation-persist.a.test with the "
                                     "value \"" +
                                     value() + "\""));
  EXPECT_THAT(ca.validations(), IsEmpty());
  server.add("_validation-persist.a.test", dns::Type::kTxt, dns::text_data(value()));
  const auto again = issue_by({ChallengeType::kDnsPersist01}, false);
  ASSERT_TRUE(again) << why(again);
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(AccountInDnsTest, AProviderSetsTheRecordOnceAndItStays) {
  for (int i = 0; i < 2; ++i) {
    const auto issued = issue_by({ChallengeType::kDnsPersist01}, true);
    ASSERT_TRUE(issued) << why(issued);
  }
  EXPECT_THAT(told, ElementsAre("add _validation-persist.a.test " + value()));
}

TEST_F(AccountInDnsTest, EachAccountHasANameOfItsOwnForDnsAccount01) {
  const auto issued = issue_by({ChallengeType::kDnsAccount01}, true);
  ASSERT_TRUE(issued) << why(issued);
  ASSERT_EQ(told.size(), 2u);
  const std::string name =
      acme::dns_account_label(ca.url("/account/0")) + "._acme-challenge.a.test";
  EXPECT_TRUE(told[0].starts_with("add " + name + " ")) << told[0];
  EXPECT_EQ(told[1], "remove " + name);
}

}  // namespace
}  // namespace gatehouse::certs::dns_persist_test
