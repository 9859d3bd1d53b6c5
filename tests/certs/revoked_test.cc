// A server whose storage says that a certificate was revoked: by a command, beside it or before it
// was started.
#include <gmock/gmock.h>

#include "certs/compromised_keys.h"
#include "certs/inventory.h"
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::revoked_test {
namespace {

using std::chrono::days;

struct RevokedTest : AutomationHouse {
  static constexpr const char* kKey = "certificates/main/a.example";

  Record stored() { return parse_record(records->records.at(kKey)).value(); }
  // What the command leaves behind.
  void revoke(bool replace) {
    Record record = stored();
    record.revoked.emplace();
    record.revoked->told = true;
    record.revoked->replace = replace;
    records->records[kKey] = to_text(record);
  }
  // A process that has served a.example, and has stopped.
  tls::CertificateRef served_once() {
    Process& process = start();
    until([&] { return process.certificates.size() == 1; });
    auto certificate = process.certificates.find_exact("a.example");
    stop(process);
    return certificate;
  }
};

TEST_F(RevokedTest, IsNotServedAfterARestartButReplacedByOneWithANewKey) {
  add_site({"a.example"});
  const auto before = served_once();
  revoke(true);
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  const auto after = process.certificates.find_exact("a.example");
  EXPECT_NE(serial(after), serial(before));
  EXPECT_NE(after->key().public_der(), before->key().public_der());
  EXPECT_FALSE(stored().revoked);
  EXPECT_EQ(ca().replaced.back(), "");  // the CA is not told that it takes the old one's place
}

TEST_F(RevokedTest, IsNotReplacedWhereThatIsNotWantedHoweverOftenSomebodyAsksOrRestarts) {
  add_site({"a.example"});
  (void)served_once();
  revoke(false);
  for (int i = 0; i < 2; ++i) {
    Process& process = start();
    for (int j = 0; j < 3; ++j) {
      const Outcome outcome = ask(process, "a.example");
      ASSERT_FALSE(outcome);
      EXPECT_THAT(outcome.error().detail, ::testing::HasSubstr("is not to be replaced"));
    }
    pass(process, days(2));
    settle();
    EXPECT_EQ(process.certificates.size(), 0u);
    stop(process);
  }
  EXPECT_EQ(ca().ordered.size(), 1u);
  EXPECT_TRUE(stored().revoked);
  EXPECT_FALSE(failures("a.example"));
  // Until somebody changes the mark.
  revoke(true);
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
}

TEST_F(RevokedTest, OnDemandAsksStorageOnceAMinuteAtMost) {
  add_site({"a.example"}, true);
  config.tls.on_demand.allow = {"a.example"};
  Process& first = start();
  ASSERT_TRUE(ask(first, "a.example"));
  stop(first);
  revoke(false);
  Process& process = start();
  EXPECT_FALSE(ask(process, "a.example"));
  process.storage.fail_loads = true;
  const Outcome again = ask(process, "a.example");
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().detail, ::testing::HasSubstr("is not to be replaced"));
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(RevokedTest, OnDemandIsReplacedAtTheNextStartThoughNobodyAsks) {
  add_site({"a.example"}, true);
  config.tls.on_demand.allow = {"a.example"};
  Process& first = start();
  const Outcome before = ask(first, "a.example");
  ASSERT_TRUE(before);
  stop(first);
  revoke(true);
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  EXPECT_NE(serial(process.certificates.find_exact("a.example")), serial(*before));
}

TEST_F(RevokedTest, IsWithdrawnByAServerThatFindsTheMarkWhenItLooksAgain) {
  add_site({"a.example"});
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  revoke(false);
  pass(process, days(65));  // it is due
  until([&] { return process.certificates.size() == 0; });
  EXPECT_EQ(ca().ordered.size(), 1u);
}

TEST_F(RevokedTest, IsWithdrawnByAServerThatIsToldOfTheMark) {
  add_site({"a.example"});
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  const std::vector<std::string> names{"a.example"};
  revoke(false);
  const auto outcomes = run_task(loop, process.automation->changed(names));
  ASSERT_TRUE(outcomes);
  EXPECT_EQ(outcomes->front().outcome, "withdrawn");
  settle();
  EXPECT_EQ(process.certificates.size(), 0u);
  EXPECT_EQ(ca().ordered.size(), 1u);
  revoke(true);
  ASSERT_TRUE(run_task(loop, process.automation->changed(names)));
  until([&] { return process.certificates.size() == 1; });
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(RevokedTest, IsEveryCertificateWhoseKeyIsCompromised) {
  add_site({"a.example"});
  const auto before = served_once();
  MemoryStorage storage(loop, records);
  CompromisedKeys compromised(storage);
  ASSERT_TRUE(run_task(loop, compromised.add(before->key(), "b.example")));
  EXPECT_TRUE(run_task(loop, compromised.contains(before->key())).value());
  Process& process = start();
  until([&] { return process.certificates.size() == 1; });
  const auto after = process.certificates.find_exact("a.example");
  EXPECT_NE(after->key().public_der(), before->key().public_der());
  EXPECT_FALSE(run_task(loop, compromised.contains(after->key())).value());
}

TEST_F(RevokedTest, DoesNotKeepALaterCertificateFromBeingStored) {
  add_site({"a.example"});
  (void)served_once();
  revoke(true);
  base::BlockingPool blocking(1);
  MemoryStorage storage(loop, records);
  Inventory inventory(blocking, storage);
  Record next = stored();
  next.revoked.reset();
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  next.certificate = make_certificate(key, {"a.example"}, now, now + days(1));
  ASSERT_TRUE(run_task(loop, inventory.save_newer(next)));
  EXPECT_EQ(serial(stored().certificate), serial(next.certificate));
}

}  // namespace
}  // namespace gatehouse::certs::revoked_test
