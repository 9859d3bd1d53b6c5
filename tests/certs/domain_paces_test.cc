#include "certs/domain_paces.h"

#include <gtest/gtest.h>

#include <set>

#include "tests/certs/acme_house.h"

namespace gatehouse::certs::domain_paces_test {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

// Fifty of a domain's certificates at once, two of which are never used, and one an hour.
constexpr CaLimits kLimits{"ca.test", {1000, seconds(1)}, {5, hours(1)}, {50, hours(1)}};

struct DomainPacesTest : testing::Test {
  using Names = std::vector<std::string>;
  bool take(const Names& names, Urgency urgency = Urgency::kHandshake) {
    auto taken = run_task(loop, paces().take(names, urgency));
    if (taken) return true;
    EXPECT_EQ(taken.error().error.code, base::Code::kOverload);
    EXPECT_EQ(taken.error().error.side, base::Side::kLocal);
    EXPECT_GT(taken.error().retry_after, seconds(0));
    refused = std::move(taken.error());
    return false;
  }
  int take_many(const std::string& domain, int asked, Urgency urgency = Urgency::kHandshake) {
    int taken = 0;
    for (int i = 0; i < asked; ++i) taken += take({std::to_string(i) + "." + domain}, urgency);
    return taken;
  }
  // As another process, or another life, would.
  DomainPaces& paces() {
    paces_ = std::make_unique<DomainPaces>(loop, storage, "ca.test", kLimits);
    return *paces_;
  }

  base::Loop loop;
  MemoryStorage storage{loop};
  std::unique_ptr<DomainPaces> paces_;
  acme::Failure refused{base::Error(base::Code::kIo, "")};
};

TEST_F(DomainPacesTest, NamesOfOneDomainShareACountThatAllProcessesKeep) {
  EXPECT_EQ(take_many("a.example.com", 30), 30);
  EXPECT_EQ(take_many("b.example.com", 30), 18);
  EXPECT_NE(refused.error.detail.find("names of example.com"), std::string::npos);
  EXPECT_EQ(take_many("example.org", 10), 10);
}

TEST_F(DomainPacesTest, SomeAreLeftToHandshakes) {
  EXPECT_EQ(take_many("example.com", 60, Urgency::kBackground), 38);
  EXPECT_EQ(take_many("example.com", 60, Urgency::kHandshake), 10);
}

TEST_F(DomainPacesTest, WhoIsSentAwayComesBackAtAnotherMomentThanTheOthers) {
  (void)take_many("example.com", 48);
  std::set<seconds> waits;
  for (int i = 0; i < 10; ++i) {
    EXPECT_FALSE(take({"x.example.com"}, Urgency::kBackground));
    waits.insert(*refused.retry_after);
  }
  EXPECT_EQ(waits.size(), 10u);
}

TEST_F(DomainPacesTest, ACertificateForSeveralDomainsCountsForAllOrNone) {
  EXPECT_EQ(take_many("example.com", 60), 48);
  EXPECT_FALSE(take({"a.example.org", "a.example.com"}));
  EXPECT_EQ(take_many("example.org", 60), 48);
  EXPECT_TRUE(take({"a.example.net", "b.example.net", "example.net"}));
  EXPECT_EQ(take_many("example.net", 60), 47) << "its names count once";
}

TEST_F(DomainPacesTest, WhatIsGivenBackMayBeTakenAgainAndLeavesNoRecord) {
  EXPECT_EQ(take_many("example.com", 60), 48);
  run_task(loop, paces().give_back({"a.example.com"}));
  EXPECT_EQ(take_many("example.com", 2), 1);
  ASSERT_TRUE(take({"a.example.org"}));
  run_task(loop, paces().give_back({"a.example.org"}));
  EXPECT_TRUE(storage.held().records.contains("domains/ca.test/example.com"));
  EXPECT_FALSE(storage.held().records.contains("domains/ca.test/example.org"));
}

TEST_F(DomainPacesTest, RecordsOfDomainsThatHaveFilledUpGoAtTheNextStart) {
  ASSERT_TRUE(take({"a.example.com"}));
  ASSERT_TRUE(take({"a.example.org"}));
  base::Clock::set_skipped(base::Clock::skipped() + hours(2));
  ASSERT_TRUE(take({"b.example.org"}));
  run_task(loop, paces().forget_full());
  EXPECT_FALSE(storage.held().records.contains("domains/ca.test/example.com"));
  EXPECT_TRUE(storage.held().records.contains("domains/ca.test/example.org"));
}

TEST_F(DomainPacesTest, StorageThatFailsOrIsDamagedKeepsNobodyFromACertificate) {
  storage.held().records["domains/ca.test/example.com"] = "{";
  EXPECT_TRUE(take({"a.example.com"}));
  storage.fail_loads = storage.fail_stores = true;
  EXPECT_EQ(take_many("example.com", 60), 60);
}

class LimitedCa : public AcmeHouse {
 protected:
  LimitedCa() {
    AcmeOptions limited = options();
    limited.limits = &kLimits;
    issuer_ = std::make_unique<AcmeIssuer>(parts(), limited);
  }
  bool counted() {
    for (const auto& [key, record] : storage.held().records) {
      if (key.starts_with("domains/")) return true;
    }
    return false;
  }
};

TEST_F(LimitedCa, AFailedOrderIsNotCounted) {
  ca.decide = [](const std::string&, const std::string&) { return "caa"; };
  EXPECT_FALSE(issue({"a.example.com"}));
  EXPECT_FALSE(counted());
}

TEST_F(LimitedCa, ARenewalIsNotCounted) {
  IssueRequest renewal({"a.example.com"}, key, soon());
  renewal.again = true;
  const auto renewed = run(issuer().issue(std::move(renewal)));
  ASSERT_TRUE(renewed) << why(renewed);
  EXPECT_FALSE(counted());
}

TEST_F(LimitedCa, RenewalsAreNotHeldUpByTheLimitOfNewOrders) {
  constexpr CaLimits kOneOrder{"ca.test", {2, hours(1)}, {5, hours(1)}, {50, hours(1)}};
  AcmeOptions limited = options();
  limited.limits = &kOneOrder;
  issuer_ = std::make_unique<AcmeIssuer>(parts(), limited);
  EXPECT_TRUE(issue({"a.example.com"}));
  EXPECT_FALSE(issue({"b.example.com"}));
  IssueRequest renewal({"a.example.com"}, key, soon());
  renewal.again = true;
  const auto renewed = run(issuer().issue(std::move(renewal)));
  EXPECT_TRUE(renewed) << why(renewed);
}

TEST_F(LimitedCa, IsNotAskedForMoreThanItSigns) {
  for (int i = 0; i < 48; ++i) {
    const auto issued = issue({std::to_string(i) + ".example.com"});
    ASSERT_TRUE(issued) << why(issued);
  }
  EXPECT_TRUE(counted());
  const auto refused = issue({"more.example.com"});
  ASSERT_FALSE(refused);
  EXPECT_EQ(ca.count("/new-order"), 48);
  EXPECT_NE(why(refused).find("limits certificates for names of example.com"), std::string::npos);
  EXPECT_FALSE(refused.error().whole_issuer) << "other domains are served";
  EXPECT_FALSE(refused.error().not_before.passed());
  const auto other = issue({"a.example.org"});
  EXPECT_TRUE(other) << why(other);
}

}  // namespace
}  // namespace gatehouse::certs::domain_paces_test
