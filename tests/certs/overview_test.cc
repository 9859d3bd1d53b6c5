#include "certs/overview.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>

#include "tests/certs/automation_house.h"

namespace gatehouse::certs::overview_test {
namespace {

using std::chrono::days;
using testing::ElementsAre;
using testing::HasSubstr;

struct OverviewTest : AutomationHouse {
  StatusPage list(Process& process, std::string after = "", std::size_t most = 100) {
    return run_task(loop, process.automation->list(std::move(after), most)).value();
  }
  CertificateStatus show(Process& process, std::string name) {
    return run_task(loop, process.automation->show(std::move(name))).value();
  }
  // "name state source", each.
  static std::vector<std::string> texts(const StatusPage& page) {
    std::vector<std::string> texts;
    for (const auto& one : page.certificates) {
      texts.push_back(one.name + " " + std::string(name(one.standing)) + " " +
                      std::string(name(one.source)));
    }
    return texts;
  }
};

TEST_F(OverviewTest, TellsOfWhatIsServedFailsAndLiesInStorage) {
  add_site({"a.example", "*.b.example"});
  config.sites.back().tls.issuers.emplace_back(config::InternalIssuer());
  add_site({"c.example"});
  add_site({"*"}, true);
  config.tls.on_demand.allow = {"*"};
  Process& first = start();
  ASSERT_TRUE(ask(first, "d.example"));
  until([&] { return first.certificates.size() == 4; });
  stop(first);
  records->records.erase("certificates/main/c.example");
  ca().fail("the CA says no");
  Process& process = start();
  until([&] { return failures("c.example").has_value(); });
  settle();
  EXPECT_THAT(texts(list(process)),
              ElementsAre("*.b.example served managed", "a.example served managed",
                          "c.example failed managed", "d.example stored on_demand"));
  const auto failing = show(process, "c.example");
  EXPECT_EQ(failing.last_error, "the CA says no");
  EXPECT_EQ(failing.failures, 1u);
  EXPECT_GT(failing.next_attempt.value(), now);
  const auto fine = show(process, "a.example");
  EXPECT_EQ(fine.issuer, "internal");
  EXPECT_EQ(fine.serial, serial(process.certificates.find_exact("a.example")));
  EXPECT_GT(fine.renewal.value(), now);
  EXPECT_LT(fine.renewal.value(), fine.not_after.value());
}

TEST_F(OverviewTest, AnOrderUnderWayIsSeen) {
  add_site({"a.example"});
  ca().go_on.reset();
  Process& process = start();
  until([&] { return ca().running == 1; });
  EXPECT_EQ(show(process, "a.example").standing, Standing::kOrdering);
}

TEST_F(OverviewTest, WithoutAProcessThatServesStorageIsTold) {
  add_site({"a.example", "b.example"});
  Process& process = start();
  until([&] { return process.certificates.size() == 2; });
  const auto renewal = show(process, "a.example").renewal;
  stop(process);
  records->records.erase("certificates/main/b.example");
  Process& stopped = make();
  EXPECT_THAT(texts(list(stopped)),
              ElementsAre("a.example stored managed", "b.example missing managed"));
  EXPECT_EQ(show(stopped, "a.example").renewal, renewal);
  now += days(100);
  EXPECT_EQ(show(stopped, "a.example").standing, Standing::kExpired);
}

TEST_F(OverviewTest, AddressesAreToldOfLikeNames) {
  add_site({"192.0.2.7", "2001:db8::7"});
  Process& process = start();
  until([&] { return process.certificates.size() == 2; });
  settle();
  EXPECT_EQ(show(process, "2001:db8::7").serial,
            serial(process.certificates.find_exact("2001:db8::7")));
  stop(process);
  EXPECT_THAT(texts(list(make())),
              ElementsAre("192.0.2.7 stored managed", "2001:db8::7 stored managed"));
}

TEST_F(OverviewTest, WhatIsRevokedIsToldSo) {
  add_site({"a.example"});
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  settle();
  stop(process);
  std::string& text = records->records.at("certificates/main/a.example");
  Record record = parse_record(text).value();
  record.revoked = Revocation();
  record.revoked->replace = false;
  text = to_text(record);
  EXPECT_THAT(texts(list(make())), ElementsAre("a.example revoked managed"));
}

TEST_F(OverviewTest, ANameThatAWildcardCoversIsTheWildcards) {
  add_site({"*.b.example"});
  config.sites.back().tls.issuers.emplace_back(config::InternalIssuer());
  Process& process = start();
  EXPECT_EQ(show(process, "x.b.example").name, "*.b.example");
}

TEST_F(OverviewTest, AListComesInPages) {
  add_site({"a.example", "b.example", "c.example"});
  Process& process = start();
  const auto first = list(process, "", 2);
  EXPECT_EQ(first.certificates.size(), 2u);
  EXPECT_EQ(first.next, "b.example");
  const auto second = list(process, first.next, 2);
  ASSERT_EQ(second.certificates.size(), 1u);
  EXPECT_EQ(second.certificates[0].name, "c.example");
  EXPECT_EQ(second.next, "");
}

// Certificates of an issuer that the configuration names no more: of a name that a new issuer has
// signed for, of one that it has not, and of one that no site has any more.
struct FormerIssuers : OverviewTest {
  FormerIssuers() {
    add_site({"a.example", "b.example"});
    add_site({"gone.example"});
    Process& before = start();
    until([&] { return before.certificates.size() == 3; });
    settle();
    for (const char* name : {"a.example", "b.example", "gone.example"}) {
      old[name] = serial(before.certificates.find_exact(name));
    }
    stop(before);
    config.sites.pop_back();
    config.tls.issuers.clear();
    config.tls.issuers.emplace_back(acme("next"));
    config.tls.renewal.replace_former = false;  // but at a person's word
  }
  Process& start_with_a_renewed() {
    Process& process = start();
    settle();
    const auto renewed =
        run_task(loop, process.automation->renew(std::vector<std::string>{"a.example"}, true));
    EXPECT_EQ(renewed.value().front().outcome, "renewed");
    return process;
  }
  // Of one and its others: "issuer state", and whether the issuer is a former one.
  static std::vector<std::string> all_of(const CertificateStatus& status) {
    std::vector<std::string> texts;
    const auto add = [&](const CertificateStatus& one) {
      texts.push_back(one.issuer + " " + std::string(name(one.standing)) +
                      (one.former_issuer ? " former" : ""));
    };
    add(status);
    for (const auto& other : status.others) add(other);
    return texts;
  }
  std::map<std::string, std::string> old;
};

TEST_F(FormerIssuers, AreToldAsLongAsStorageHoldsWhatTheySigned) {
  Process& process = start_with_a_renewed();
  EXPECT_THAT(texts(list(process)),
              ElementsAre("a.example served managed", "b.example served managed",
                          "gone.example stored none"));
  const auto all = list(process).certificates;
  EXPECT_THAT(all_of(all[0]), ElementsAre("next served", "main stored former"));
  EXPECT_EQ(all[0].serial, serial(process.certificates.find_exact("a.example")));
  EXPECT_EQ(all[0].others[0].serial, old["a.example"]);
  EXPECT_THAT(all_of(all[1]), ElementsAre("main served former"));
  EXPECT_EQ(all[1].serial, old["b.example"]);
  EXPECT_THAT(all_of(all[2]), ElementsAre("main stored former"));
  for (std::size_t i = 0; i < all.size(); ++i) {
    EXPECT_EQ(all_of(show(process, all[i].name)), all_of(all[i]));
    EXPECT_EQ(list(process, i == 0 ? "" : all[i - 1].name, 1).certificates.at(0).name, all[i].name);
  }
  now += days(100);
  EXPECT_EQ(show(process, "gone.example").standing, Standing::kExpired);
}

TEST_F(FormerIssuers, AreToldByStorageAloneToo) {
  stop(start_with_a_renewed());
  const auto all = list(make()).certificates;
  ASSERT_EQ(all.size(), 3u);
  EXPECT_THAT(all_of(all[0]), ElementsAre("next stored", "main stored former"));
  EXPECT_THAT(all_of(all[1]), ElementsAre("main stored former"));
  EXPECT_THAT(all_of(all[2]), ElementsAre("main stored former"));
}

TEST_F(FormerIssuers, OfBothKindsOfKeyAreToldByName) {
  config.tls.issuers.clear();
  config.tls.issuers.emplace_back(acme("main"));
  config.tls.key_type = {config::KeyType::kP256, config::KeyType::kRsa2048};
  Process& two = start();
  until([&] { return two.certificates.find_exact("a.example", tls::kRsaKeys) != nullptr; });
  settle();
  stop(two);
  config.tls.issuers.clear();
  config.tls.issuers.emplace_back(acme("next"));
  config.tls.renewal.replace_former = true;
  Process& process = start();
  const auto by_next = [&](tls::KeyKinds keys) {
    const auto served = process.certificates.find_exact("a.example", keys);
    return served &&
           records->records.contains(keys == tls::kRsaKeys ? "certificates/next/a.example_rsa"
                                                           : "certificates/next/a.example");
  };
  until([&] { return by_next(tls::kEcdsaKeys) && by_next(tls::kRsaKeys); });
  settle();
  EXPECT_THAT(all_of(show(process, "a.example")), ElementsAre("next served", "main stored former",
                                                              "next served", "main stored former"));
}

}  // namespace
}  // namespace gatehouse::certs::overview_test
