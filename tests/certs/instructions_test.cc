#include "certs/instructions.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/certs/automation_house.h"

namespace gatehouse::certs::instructions_test {
namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;
using testing::ElementsAre;
using testing::HasSubstr;

struct InstructionsTest : AutomationHouse {
  // A process that serves a certificate of a.example.
  Process& serving() {
    add_site({"a.example"});
    Process& process = start();
    until([&] { return process.certificates.find_exact("a.example") != nullptr; });
    settle();
    return process;
  }
  NameOutcomes renew(Process& process, std::vector<std::string> names, bool wait) {
    return run_task(loop, process.automation->renew(std::move(names), wait));
  }
  std::string changed(Process& process, const std::string& name) {
    std::vector<std::string> names(1, name);
    const auto outcomes = run_task(loop, process.automation->changed(std::move(names)));
    return outcomes.value().at(0).outcome;
  }
  // What "name: outcome (error)" came of each.
  static std::vector<std::string> texts(const NameOutcomes& outcomes) {
    std::vector<std::string> texts;
    for (const auto& one : outcomes.value()) {
      texts.push_back(one.name + ": " + one.outcome);
      if (!one.error.empty()) texts.back() += " (" + one.error + ")";
    }
    return texts;
  }
  std::string served(Process& process) {
    return serial(process.certificates.find_exact("a.example"));
  }
  // Puts another certificate of a.example into storage, and returns its serial.
  std::string put_another(base::WallTime from, base::WallTime to) {
    auto key = tls::PrivateKey::generate(tls::KeyType::kP256);
    std::vector<std::string> names(1, "a.example");
    Record record;
    record.issuer = "main";
    record.names = names;
    record.obtained = from;
    record.certificate = make_certificate(*key, std::move(names), from, to);
    records->records["certificates/main/a.example"] = to_text(record);
    return record.certificate->leaf().serial;
  }
};

TEST_F(InstructionsTest, ACertificateThatLastsIsRenewedWhenAPersonWantsIt) {
  Process& process = serving();
  const std::string first = served(process);
  EXPECT_THAT(texts(renew(process, {"a.example"}, false)), ElementsAre("a.example: due"));
  until([&] { return served(process) != first; });
  settle();
  pass(process, hours(1));
  settle();
  EXPECT_EQ(ca().ordered.size(), 2u);  // and once is enough
}

TEST_F(InstructionsTest, WhoWaitsHearsWhatCameOfIt) {
  Process& process = serving();
  const std::string first = served(process);
  EXPECT_THAT(texts(renew(process, {"a.example"}, true)), ElementsAre("a.example: renewed"));
  EXPECT_NE(served(process), first);
  ca().fail("no");
  EXPECT_THAT(texts(renew(process, {"a.example"}, true)), ElementsAre("a.example: failed (no)"));
  EXPECT_EQ(ca().ordered.size(), 3u);
}

TEST_F(InstructionsTest, ADemandDoesNotWaitForTheBackoffAndStaysUntilItIsMet) {
  Process& process = serving();
  ca().fail("no");
  (void)renew(process, {"a.example"}, true);
  (void)renew(process, {"a.example"}, true);
  EXPECT_EQ(ca().ordered.size(), 3u);
  const std::string first = served(process);
  ca().failure.reset();
  pass(process, days(2));
  until([&] { return served(process) != first; });
}

TEST_F(InstructionsTest, ADemandWhileNothingRunsIsMetAtTheNextStart) {
  for (const bool ari : {true, false}) {
    config.sites.clear();
    config.tls.renewal.ari = ari;
    Process& process = serving();
    const std::string first = served(process);
    stop(process);
    Process& stopped = make();
    EXPECT_THAT(texts(renew(stopped, {"a.example"}, false)), ElementsAre("a.example: due"));
    const auto orders = ca().ordered.size();
    Process& next = start();
    until([&] { return served(next) != first && next.certificates.size() == 1; });
    EXPECT_EQ(ca().ordered.size(), orders + 1);
    stop(next);
  }
}

TEST_F(InstructionsTest, ADemandForANameOnDemandIsMetAtTheNextStart) {
  add_site({"*"}, true);
  config.tls.on_demand.allow = {"*"};
  Process& process = start();
  ASSERT_TRUE(ask(process, "a.example"));
  stop(process);
  EXPECT_TRUE(run_task(loop, make().automation->renew_all(false)));
  Process& next = start();
  until([&] { return ca().ordered.size() == 2; });
  stop(next);
}

TEST_F(InstructionsTest, AllIsEveryNameThatASiteWants) {
  add_site({"b.example"});
  Process& process = serving();
  until([&] { return process.certificates.size() == 2; });
  const auto outcomes = run_task(loop, process.automation->renew_all(true));
  EXPECT_THAT(texts(outcomes), ElementsAre("a.example: renewed", "b.example: renewed"));
}

TEST_F(InstructionsTest, AMisspeltNameIsAnErrorThatNamesTheNearest) {
  Process& process = serving();
  const auto outcomes = renew(process, {"a.example", "a.exmaple"}, false);
  ASSERT_FALSE(outcomes);
  EXPECT_EQ(outcomes.error().code, base::Code::kNotFound);
  EXPECT_THAT(outcomes.error().detail, HasSubstr("did you mean \"a.example\"?"));
  EXPECT_EQ(renew(process, {"../a.example"}, false).error().code, base::Code::kNotFound);
  settle();
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(InstructionsTest, WhatAnotherPutIntoStorageIsServedWhenThatIsTold) {
  Process& process = serving();
  const auto other = put_another(now - hours(1), now + days(30));
  EXPECT_EQ(changed(process, "a.example"), "served");
  EXPECT_EQ(served(process), other);
  EXPECT_EQ(changed(process, "b.example"), "unknown");
}

TEST_F(InstructionsTest, WhatWasTakenOutOfStorageIsWithdrawnAndOrderedAnew) {
  Process& process = serving();
  const std::string first = served(process);
  records->records.erase("certificates/main/a.example");
  EXPECT_EQ(changed(process, "a.example"), "withdrawn");
  EXPECT_NE(served(process), first);
  until([&] { return process.certificates.size() == 1; });
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(InstructionsTest, WhatWasRevokedMeanwhileIsWithdrawnAndOrderedAnewUnlessItIsNotToBe) {
  Process& process = serving();
  for (const bool replace : {true, false}) {
    const std::string first = served(process);
    const std::size_t orders = ca().ordered.size();
    std::string& text = records->records["certificates/main/a.example"];
    Record record = parse_record(text).value();
    record.revoked = Revocation();
    record.revoked->replace = replace;
    text = to_text(record);
    EXPECT_EQ(changed(process, "a.example"), "withdrawn");
    EXPECT_NE(served(process), first);
    settle();
    EXPECT_EQ(ca().ordered.size(), orders + (replace ? 1 : 0));
    EXPECT_EQ(process.certificates.size(), replace ? 1u : 0u);
  }
}

TEST_F(InstructionsTest, AnExpiredCertificateIsServedOnWhileANewOneIsOrdered) {
  add_site({"a.example"});
  const auto old = put_another(now - days(2), now + hours(1));
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  ca().go_on.reset();
  now += days(1);
  EXPECT_EQ(changed(process, "a.example"), "kept");
  EXPECT_EQ(served(process), old);
  ca().go_on.set();
  until([&] { return served(process) != old; });
}

TEST_F(InstructionsTest, StorageThatCannotBeReadChangesNothing) {
  Process& process = serving();
  const std::string first = served(process);
  process.storage.fail_loads = true;
  EXPECT_EQ(changed(process, "a.example"), "failed");
  EXPECT_EQ(served(process), first);
}

}  // namespace
}  // namespace gatehouse::certs::instructions_test
