// Orders that are proved by records in DNS: set together, and what goes wrong is whose fault it is.
#include <gmock/gmock.h>

#include "tests/certs/acme_house.h"
#include "tests/dns/fake_server.h"

namespace gatehouse::certs::dns_orders_test {
namespace {

using acme::ChallengeType;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// How the provider behaves, and what it was told.
struct Told {
  std::size_t shown_from = 1;  // values are shown when so many were set
  bool never_ends = false;     // a call, before its deadline
  std::string fails;
  std::vector<std::pair<std::string, std::string>> set;
};

class Provider : public DnsProvider {
 public:
  Provider(base::Loop& loop, dns::FakeServer& server, Told& told)
      : loop_(loop), server_(server), told_(told) {}
  const std::string& id() const override { return id_; }
  base::Task<base::Result<void>> add(std::string name, std::string value,
                                     base::Deadline deadline) override {
    if (!told_.fails.empty()) co_return base::fail(base::Code::kDenied, told_.fails);
    if (told_.never_ends && !told_.set.empty()) {
      co_await base::sleep_until(loop_, deadline);
      co_return base::fail(base::Code::kTimeout, "the program did not end in time");
    }
    told_.set.emplace_back(std::move(name), std::move(value));
    if (told_.set.size() < told_.shown_from) co_return base::Result<void>();
    for (const auto& [at, text] : told_.set) {
      server_.add(at, dns::Type::kTxt, dns::text_data(text));
    }
    co_return base::Result<void>();
  }
  base::Task<base::Result<void>> remove(std::string, std::string, base::Deadline) override {
    co_return base::Result<void>();
  }

 private:
  base::Loop& loop_;
  dns::FakeServer& server_;
  Told& told_;
  std::string id_ = "provider";
};

struct DnsOrdersTest : AcmeHouse {
  DnsOrdersTest() {
    skips = false;
    ca.challenge_types = {"dns-01"};
    where.resolvers.push_back(server.endpoint());
    where.servers.emplace(where.resolvers);
  }
  Issued order(std::vector<std::string> names, base::Deadline deadline) {
    const DnsChallenges::Parts needs{loop, blocking, storage, tasks};
    auto provider = std::make_unique<Provider>(loop, server, told);
    auto dns = std::make_unique<DnsChallenges>(needs, std::move(provider), where);
    AcmeOptions with = options();
    with.challenges = {ChallengeType::kDns01};
    issuer_ = std::make_unique<AcmeIssuer>(parts(), std::move(with), std::move(dns));
    auto issued = run(issuer_->issue(IssueRequest(std::move(names), key, deadline)));
    run_until(loop, [&] { return tasks.count() == 0; });  // removals work with the issuer's DNS
    return issued;
  }

  dns::FakeServer server;
  DnsOptions where;
  Told told;
  base::Gate tasks{loop};
};

TEST_F(DnsOrdersTest, AllRecordsAreSetBeforeTheFirstIsAwaited) {
  told.shown_from = 3;
  const auto issued = order({"a.test", "b.test", "c.test"}, soon());
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_EQ(ca.validations().size(), 3u);
}

TEST_F(DnsOrdersTest, NoNameIsBlamedForTheTimeOfTheOrder) {
  told.never_ends = true;
  const auto issued =
      order({"a.test", "b.test", "c.test"}, base::Deadline::in(base::Duration(1'000)));
  ASSERT_FALSE(issued);
  const IssueError& error = issued.error();
  EXPECT_EQ(error.error.code, base::Code::kTimeout);
  EXPECT_THAT(error.names, IsEmpty());
  EXPECT_THAT(error.error.detail, HasSubstr("the time of this order was over after 1 s"));
  EXPECT_THAT(error.error.detail, HasSubstr("of which 1 stood, for 3 names"));
  EXPECT_FALSE(error.whole_issuer);
}

TEST_F(DnsOrdersTest, WhatIsNotShownInTimeIsSaidOfTheOrder) {
  told.shown_from = 100;
  const auto issued = order({"a.test", "b.test"}, base::Deadline::in(base::Duration(1'000)));
  ASSERT_FALSE(issued);
  EXPECT_THAT(issued.error().names, IsEmpty());
  EXPECT_THAT(issued.error().error.detail, HasSubstr("of which 0 of 2 were seen"));
  EXPECT_THAT(issued.error().error.detail, HasSubstr("is not everywhere yet"));
}

TEST_F(DnsOrdersTest, WhatOurProviderCannotDoIsNotForAnotherCa) {
  told.fails = "ended with status 1";
  const auto issued = order({"a.test"}, soon());
  ASSERT_FALSE(issued);
  EXPECT_FALSE(issued.error().other_issuer);
  EXPECT_FALSE(issued.error().whole_issuer);
  EXPECT_TRUE(issued.error().of_challenge);
}

TEST_F(DnsOrdersTest, WhatOurProviderCannotDoCostsOneOrderHoweverOftenItIsTried) {
  told.fails = "ended with status 1";
  for (int i = 0; i < 3; ++i) EXPECT_FALSE(order({"a.test"}, soon()));
  told.fails.clear();
  const auto issued = order({"a.test"}, soon());
  ASSERT_TRUE(issued) << why(issued);
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(DnsOrdersTest, AnOrderHasTimeForEachNameAndForTheWayThroughDns) {
  where.propagation = base::Duration(1'200'000);
  (void)order({"a.test"}, soon());
  EXPECT_EQ(issuer_->extra_time(12), base::Duration(1'200'000) + 12 * DnsChallenges::kSetTime);
}

}  // namespace
}  // namespace gatehouse::certs::dns_orders_test
