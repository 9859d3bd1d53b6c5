// What hooks are told of certificates' lives: each thing once, and nothing that has not happened.
#include "certs/certificate_events.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "certs/compromised_keys.h"
#include "tests/acme/loop_server.h"
#include "tests/certs/automation_house.h"
#include "tests/storage/folder.h"

namespace gatehouse::certs::certificate_events_test {
namespace {

using nlohmann::json;
using std::chrono::days;
using std::chrono::hours;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::UnorderedElementsAre;

struct CertificateEventsTest : AutomationHouse {
  CertificateEventsTest() {
    config::HookWebhook action;
    action.url = server.url("/");
    action.secret = "0123456789abcdef";
    config.hooks.emplace_back().action = std::move(action);
  }
  acme::ScriptReply take(const acme::ScriptRequest& request) {
    told.push_back(json::parse(request.body));
    return acme::ScriptReply(204);
  }
  // What was told since this was last asked.
  std::vector<json> news() {
    settle();
    return std::exchange(told, {});
  }
  // "event name" of each.
  std::vector<std::string> events() {
    std::vector<std::string> all;
    for (const json& one : news()) {
      all.push_back(one.at("event").get<std::string>() + " " + one.at("name").get<std::string>());
    }
    return all;
  }
  Process& serving(const std::string& name) {
    Process& process = start();
    until([&] { return process.certificates.find_exact(name) != nullptr; });
    return process;
  }
  void pass_and_settle(Process& process, std::chrono::seconds time) {
    pass(process, time);
    settle();
  }
  // A site with a certificate from files that ends in so long.
  tls::CertificateRef serve_files(std::chrono::seconds left) {
    const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
    const auto made = make_certificate(key, {"own.example"}, now - days(60), now + left);
    config::CertificateFiles files{(folder.path() / "a.crt").string(),
                                   (folder.path() / "a.key").string()};
    std::ofstream(files.file) << made->chain_pem();
    std::ofstream(files.key) << key.pem();
    add_site({"own.example"}).tls.certificate.push_back(std::move(files));
    return made;
  }
  Process& start_with_files() {
    Process& process = make();
    EXPECT_TRUE(process.automation->load_files());
    EXPECT_TRUE(run_task(loop, process.automation->start()));
    return process;
  }

  std::vector<json> told;
  storage::Folder folder;
  acme::LoopServer server{[this](const acme::ScriptRequest& request) { return take(request); },
                          loop};
};

TEST_F(CertificateEventsTest, AFirstCertificateIsObtainedAndTheNextOnesRenewed) {
  add_site({"a.example"});
  Process& process = serving("a.example");
  const auto first = process.certificates.find_exact("a.example");
  auto all = news();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].at("event"), "obtained");
  EXPECT_EQ(all[0].at("source"), "managed");
  EXPECT_EQ(all[0].at("issuer"), "main");
  EXPECT_EQ(all[0].at("serial"), first->leaf().serial);
  EXPECT_EQ(all[0].at("chain"), first->chain_pem());
  pass(process, days(65));
  until([&] { return process.certificates.find_exact("a.example") != first; });
  all = news();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].at("event"), "renewed");
  EXPECT_EQ(all[0].at("replaces"), first->leaf().serial);
  stop(process);
  serving("a.example");
  EXPECT_THAT(events(), IsEmpty());  // it was there
}

TEST_F(CertificateEventsTest, AFailureIsToldOncePerAttemptWithWhatCanBeDone) {
  add_site({"a.example"});
  ca().fail("CAA forbids it");
  ca().failure->problem = "caa";
  ca().failure->advice = "change the CAA record";
  Process& process = start();
  until([&] { return told.size() == 1; });
  auto all = news();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].at("event"), "failed");
  EXPECT_EQ(all[0].at("failures"), 1);
  EXPECT_EQ(all[0].at("error").at("kind"), "caa");
  EXPECT_EQ(all[0].at("error").at("detail"), "CAA forbids it");
  EXPECT_EQ(all[0].at("error").at("advice"), "change the CAA record");
  EXPECT_TRUE(all[0].at("serial").is_null());
  for (int i = 0; i < 3; ++i) process.automation->recheck();
  EXPECT_FALSE(ask(process, "a.example"));
  EXPECT_THAT(events(), IsEmpty());
  pass(process, hours(1));
  until([&] { return told.size() == 1; });
  EXPECT_EQ(news()[0].at("failures"), 2);
}

TEST_F(CertificateEventsTest, WhatIsNotRenewedIsToldInItsLastTenthAndAtItsEndOnceByAllProcesses) {
  add_site({"a.example"});
  Process* process = &serving("a.example");
  config.hooks[0].on = {config::HookEvent::kExpiring};
  stop(*process);
  ca().fail("down");
  process = &start();
  Process& another = start();
  settle();
  news();
  pass_and_settle(*process, days(80));
  EXPECT_THAT(events(), IsEmpty());
  pass_and_settle(*process, days(2));
  pass_and_settle(another, days(0));
  const auto all = news();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].at("event"), "expiring");
  EXPECT_EQ(all[0].at("stage"), "tenth");
  EXPECT_EQ(all[0].at("name"), "a.example");
  stop(*process);
  stop(another);
  process = &start();
  pass_and_settle(*process, days(1));
  EXPECT_THAT(events(), IsEmpty());
  pass_and_settle(*process, days(8));
  EXPECT_THAT(events(), ElementsAre("expiring a.example"));
}

TEST_F(CertificateEventsTest, WhatIsToBeRenewedLateIsNotSaidToExpireBefore) {
  config.tls.renewal.left_percent = 5;
  add_site({"a.example"});
  Process& process = serving("a.example");
  events();
  pass_and_settle(process, days(83));
  EXPECT_THAT(events(), IsEmpty());
  ca().fail("down");
  pass_and_settle(process, days(6));  // more than half of what was left when it was due
  EXPECT_THAT(events(), UnorderedElementsAre("failed a.example", "expiring a.example"));
}

TEST_F(CertificateEventsTest, ANameOnDemandThatIsAllowedNoMoreIsLeftToEnd) {
  config.tls.on_demand.allow = {"a.example"};
  add_site({"*"}, true);
  Process& first = start();
  ASSERT_TRUE(ask(first, "a.example"));
  stop(first);
  config.tls.on_demand.allow = {"b.example"};
  Process& process = start();
  events();
  pass_and_settle(process, days(85));
  pass_and_settle(process, days(6));
  EXPECT_THAT(events(), IsEmpty());
}

TEST_F(CertificateEventsTest, ACertificateFromFilesIsToldAtEachStageOnceAcrossRestarts) {
  serve_files(days(6));
  Process* process = &start_with_files();
  until([&] { return !told.empty(); });
  const auto all = news();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].at("event"), "expiring");
  EXPECT_EQ(all[0].at("source"), "files");
  EXPECT_EQ(all[0].at("stage"), "7d");
  stop(*process);
  process = &start_with_files();
  pass_and_settle(*process, hours(1));
  EXPECT_THAT(events(), IsEmpty());
  pass(*process, days(7));
  until([&] { return !told.empty(); });
  EXPECT_EQ(news()[0].at("stage"), "expired");
}

TEST_F(CertificateEventsTest, ACompromisedKeyThatIsFoundInFilesIsToldOnce) {
  const auto certificate = serve_files(days(40));
  MemoryStorage storage(loop, records);
  CompromisedKeys compromised(storage);
  ASSERT_TRUE(run_task(loop, compromised.add(certificate->key(), "x.example")));
  config.hooks[0].on = {config::HookEvent::kRevoked};
  Process& process = start_with_files();
  until([&] { return !told.empty(); });
  const auto all = news();
  ASSERT_EQ(all.size(), 1u);
  EXPECT_EQ(all[0].at("event"), "revoked");
  EXPECT_EQ(all[0].at("reason"), "keyCompromise");
  EXPECT_EQ(all[0].at("name"), "own.example");
  stop(process);
  start_with_files();
  EXPECT_THAT(events(), IsEmpty());
}

}  // namespace
}  // namespace gatehouse::certs::certificate_events_test
