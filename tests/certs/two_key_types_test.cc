// Names with a certificate of each kind of key.
#include <algorithm>

#include "certs/inventory.h"
#include "tests/certs/automation_house.h"

namespace gatehouse::certs::two_key_types_test {
namespace {

using config::KeyType;
using std::chrono::days;
using std::chrono::hours;
using Words = std::vector<std::string>;

struct TwoKeyTypes : AutomationHouse {
  TwoKeyTypes() { config.tls.key_type = {KeyType::kP256, KeyType::kRsa2048}; }

  // What a client that checks signatures of `keys` is shown: "p256", "rsa2048" or "none".
  std::string type(Process& process, tls::KeyKinds keys, const std::string& name = "a.example") {
    const auto shown = process.certificates.find(name, keys, now);
    return shown ? shown->key().type_name() : "none";
  }
  std::string serial_of(Process& process, tls::KeyKinds keys) {
    return serial(process.certificates.find_exact("a.example", keys));
  }
  bool has_both(Process& process) {
    return process.certificates.find_exact("a.example", tls::kEcdsaKeys) &&
           process.certificates.find_exact("a.example", tls::kRsaKeys);
  }
  Process& start_with_both() {
    Process& process = start();
    until([&] { return has_both(process); });
    settle();
    return process;
  }
  Process& restart(Process& process, std::vector<KeyType> types) {
    settle();
    stop(process);
    config.tls.key_type = std::move(types);
    return start();
  }
  Outcome ask_for(Process& process, const std::string& name, tls::KeyKinds keys) {
    std::optional<Outcome> answer;
    const auto take = [&answer](Outcome outcome) { answer = std::move(outcome); };
    process.automation->request(name, take, keys);
    until([&] { return answer.has_value(); });
    return *answer;
  }
};

TEST_F(TwoKeyTypes, EachNameGetsOneOfEachAndEachClientTheOneThatItCanCheck) {
  add_site({"a.example"});
  Process& process = start_with_both();
  EXPECT_EQ(ca().key_types, (Words{"p256", "rsa2048"}));
  EXPECT_EQ(type(process, tls::kAllKeys), "p256");
  EXPECT_EQ(type(process, tls::kEcdsaP256), "p256");
  EXPECT_EQ(type(process, tls::kRsaKeys), "rsa2048");
  EXPECT_EQ(type(process, tls::kEcdsaP384), "p256") << "what there is";
  EXPECT_TRUE(records->records.contains("certificates/main/a.example"));
  EXPECT_TRUE(records->records.contains("certificates/main/a.example_rsa"));
}

TEST_F(TwoKeyTypes, TheFirstTypeIsShownToWhoCanCheckBoth) {
  config.tls.key_type = {KeyType::kRsa2048, KeyType::kP384};
  add_site({"a.example"});
  Process& process = start_with_both();
  EXPECT_EQ(type(process, tls::kAllKeys), "rsa2048");
  EXPECT_EQ(type(process, tls::kEcdsaP384), "p384");
}

TEST_F(TwoKeyTypes, TheOrdersOfANameGoOneAfterTheOther) {
  add_site({"a.example"});
  ca().go_on.reset();
  Process& process = start();
  until([&] { return ca().running == 1; });
  settle();
  EXPECT_EQ(ca().ordered.size(), 1u);
  ca().go_on.set();
  until([&] { return has_both(process); });
  EXPECT_EQ(ca().most_running, 1u);
}

TEST_F(TwoKeyTypes, AFailingOrderTakesTheOtherCertificateFromNobody) {
  add_site({"a.example"});
  ca().refuses_rsa = true;
  Process& process = start();
  until([&] { return failures("a.example_rsa").has_value(); });
  settle();
  EXPECT_EQ(type(process, tls::kRsaKeys), "p256") << "what there is";
  EXPECT_FALSE(failures("a.example"));
  const std::string ecdsa = serial_of(process, tls::kEcdsaKeys);
  ca().refuses_rsa = false;
  pass(process, hours(2));
  until([&] { return has_both(process); });
  EXPECT_EQ(type(process, tls::kRsaKeys), "rsa2048");
  EXPECT_EQ(serial_of(process, tls::kEcdsaKeys), ecdsa);
  until([&] { return !failures("a.example_rsa"); });
}

TEST_F(TwoKeyTypes, EachIsRenewedAndReplacesItsOwnPredecessor) {
  add_site({"a.example"});
  Process& process = start_with_both();
  const Words old{serial_of(process, tls::kEcdsaKeys), serial_of(process, tls::kRsaKeys)};
  pass(process, days(62));
  until([&] { return ca().ordered.size() == 4; });
  until([&] {
    return serial_of(process, tls::kEcdsaKeys) != old[0] &&
           serial_of(process, tls::kRsaKeys) != old[1];
  });
  Words replaced(ca().replaced.begin() + 2, ca().replaced.end());
  if (ca().key_types[2] == "rsa2048") std::swap(replaced[0], replaced[1]);
  EXPECT_EQ(replaced, old);
}

TEST_F(TwoKeyTypes, ARestartOrdersNothingAgain) {
  add_site({"a.example"});
  Process& first = start_with_both();
  const std::string rsa = serial_of(first, tls::kRsaKeys);
  Process& second = restart(first, config.tls.key_type);
  until([&] { return has_both(second); });
  settle();
  EXPECT_EQ(serial_of(second, tls::kRsaKeys), rsa);
  EXPECT_EQ(ca().ordered.size(), 2u);
}

TEST_F(TwoKeyTypes, NamesThatShareOneCertificateShareTwo) {
  add_site({"a.example", "b.example"}).tls.one_certificate = true;
  Process& first = start_with_both();
  EXPECT_EQ(ca().sets, (Words{"a.example b.example", "a.example b.example"}));
  EXPECT_EQ(type(first, tls::kRsaKeys, "b.example"), "rsa2048");
  Process& second = restart(first, config.tls.key_type);
  until([&] { return has_both(second); });
  settle();
  EXPECT_EQ(type(second, tls::kRsaKeys, "b.example"), "rsa2048");
  EXPECT_EQ(type(second, tls::kAllKeys, "b.example"), "p256");
  EXPECT_EQ(ca().ordered.size(), 2u);
}

// --- another configuration ---

TEST_F(TwoKeyTypes, WhereThereWasOneOnlyTheOtherIsOrdered) {
  for (const KeyType had : {KeyType::kP256, KeyType::kRsa2048}) {
    const std::string name = had == KeyType::kP256 ? "p256.example" : "rsa.example";
    config.sites.clear();
    add_site({name});
    config.tls.key_type = {had};
    Process& first = start();
    until([&] { return first.certificates.find(name) != nullptr; });
    const std::string old = serial(first.certificates.find(name));
    const std::size_t orders = ca().ordered.size();
    for (int life = 0; life < 2; ++life) {
      Process& process = restart(*processes.back(), {KeyType::kP256, KeyType::kRsa2048});
      until([&] {
        return process.certificates.find_exact(name, tls::kEcdsaKeys) &&
               process.certificates.find_exact(name, tls::kRsaKeys);
      });
      settle();
      const auto kept = had == KeyType::kP256 ? tls::kEcdsaKeys : tls::kRsaKeys;
      EXPECT_EQ(serial(process.certificates.find_exact(name, kept)), old);
      EXPECT_EQ(ca().ordered.size(), orders + 1);
      EXPECT_EQ(ca().key_types.back(), had == KeyType::kP256 ? "rsa2048" : "p256");
    }
    stop(*processes.back());
  }
}

TEST_F(TwoKeyTypes, WhereOneIsLeftTheOtherIsServedToItsEndAndNotRenewed) {
  for (const KeyType left : {KeyType::kP256, KeyType::kRsa2048}) {
    const bool keeps_ecdsa = left == KeyType::kP256;
    const auto kept = keeps_ecdsa ? tls::kEcdsaKeys : tls::kRsaKeys;
    const auto former = keeps_ecdsa ? tls::kRsaKeys : tls::kEcdsaKeys;
    records->records.clear();
    ca().ordered.clear();
    ca().key_types.clear();
    config.sites.clear();
    config.tls.key_type = {KeyType::kP256, KeyType::kRsa2048};
    add_site({"a.example"});
    Process& first = start_with_both();
    const std::string old = serial_of(first, kept);
    const std::string other = serial_of(first, former);
    Process& second = restart(first, {left});
    until([&] { return has_both(second); });
    settle();
    EXPECT_EQ(serial_of(second, kept), old);
    EXPECT_EQ(ca().ordered.size(), 2u);
    pass(second, days(62));
    until([&] { return serial_of(second, kept) != old; });
    settle();
    EXPECT_EQ(serial_of(second, former), other);
    EXPECT_EQ(ca().key_types, (Words{"p256", "rsa2048", keeps_ecdsa ? "p256" : "rsa2048"}));
    pass(second, days(30));
    settle();
    // A client that could check the former one alone asks, and is shown what there is.
    EXPECT_TRUE(ask_for(second, "a.example", former));
    EXPECT_EQ(serial_of(second, former), "none");
    EXPECT_EQ(ca().ordered.size(), 3u);
    stop(second);
  }
}

// --- on demand ---

TEST_F(TwoKeyTypes, OnDemandTheClientWaitsForTheOneThatItCanCheck) {
  config.tls.on_demand.allow = {"*.example"};
  add_site({"*"}, true);
  Process& process = start();
  const auto rsa = ask_for(process, "a.example", tls::kRsaKeys);
  ASSERT_TRUE(rsa);
  EXPECT_EQ((*rsa)->key().type_name(), "rsa2048");
  until([&] { return has_both(process); });
  EXPECT_EQ(ca().key_types, (Words{"rsa2048", "p256"}));
  const auto ecdsa = ask_for(process, "b.example", tls::kEcdsaP256 | tls::kRsaKeys);
  ASSERT_TRUE(ecdsa);
  EXPECT_EQ((*ecdsa)->key().type_name(), "p256");
  until([&] { return type(process, tls::kRsaKeys, "b.example") == "rsa2048"; });
}

TEST_F(TwoKeyTypes, OnDemandARestartLoadsBothOfANameThatIsAskedFor) {
  config.tls.on_demand.allow = {"*.example"};
  add_site({"*"}, true);
  Process& first = start();
  EXPECT_TRUE(ask(first, "a.example"));
  until([&] { return has_both(first); });
  Process& second = restart(first, config.tls.key_type);
  settle();
  EXPECT_TRUE(ask(second, "a.example"));
  until([&] { return has_both(second); });
  Process& third = restart(second, {KeyType::kP256});
  settle();
  EXPECT_TRUE(ask(third, "a.example"));
  EXPECT_TRUE(has_both(third)) << "the one that is ordered no more is served to its end";
  EXPECT_EQ(ca().ordered.size(), 2u);
  pass(third, days(62));
  until([&] { return ca().ordered.size() == 3; });
  settle();
  EXPECT_EQ(ca().key_types.back(), "p256");
  EXPECT_EQ(ca().ordered.size(), 3u);
}

// --- told of, and told what to do ---

TEST_F(TwoKeyTypes, BothAreListedAndShown) {
  add_site({"a.example"});
  Process& process = start_with_both();
  const auto page = run_task(loop, process.automation->list("", 10));
  ASSERT_TRUE(page);
  ASSERT_EQ(page->certificates.size(), 2u);
  EXPECT_EQ(page->certificates[0].key_type, "p256");
  EXPECT_EQ(page->certificates[1].key_type, "rsa2048");
  EXPECT_EQ(page->certificates[1].name, "a.example");
  EXPECT_EQ(page->certificates[1].standing, Standing::kServed);
  const auto first = run_task(loop, process.automation->list("", 1));
  const auto rest = run_task(loop, process.automation->list(first->next, 10));
  ASSERT_EQ(rest->certificates.size(), 1u);
  EXPECT_EQ(rest->certificates[0].key_type, "rsa2048");
  const auto shown = run_task(loop, process.automation->show("a.example"));
  ASSERT_TRUE(shown);
  EXPECT_EQ(shown->key_type, "p256");
  ASSERT_EQ(shown->others.size(), 1u);
  EXPECT_EQ(shown->others[0].serial, serial_of(process, tls::kRsaKeys));
}

TEST_F(TwoKeyTypes, BothAreRenewedByHand) {
  add_site({"a.example"});
  Process& process = start_with_both();
  const auto outcomes = run_task(loop, process.automation->renew({"a.example"}, true));
  ASSERT_TRUE(outcomes);
  ASSERT_EQ(outcomes->size(), 2u);
  for (const auto& one : *outcomes) EXPECT_EQ(one.outcome, "renewed") << one.error;
  EXPECT_EQ((*outcomes)[1].name, "a.example_rsa");
  EXPECT_EQ(ca().ordered.size(), 4u);
}

TEST_F(TwoKeyTypes, OneThatIsRevokedIsReplacedByItself) {
  add_site({"a.example"});
  Process& process = start_with_both();
  const std::string ecdsa = serial_of(process, tls::kEcdsaKeys);
  const std::string rsa = serial_of(process, tls::kRsaKeys);
  Inventory inventory(process.blocking, process.storage);
  auto record = run_task(loop, inventory.load("main", "a.example_rsa"));
  ASSERT_TRUE(record);
  record->revoked = Revocation();
  ASSERT_TRUE(run_task(loop, inventory.save(*record)));
  ASSERT_TRUE(run_task(loop, process.automation->changed({"a.example"})));
  until([&] { return has_both(process); });
  EXPECT_NE(serial_of(process, tls::kRsaKeys), rsa);
  EXPECT_EQ(serial_of(process, tls::kEcdsaKeys), ecdsa);
  EXPECT_EQ(ca().key_types, (Words{"p256", "rsa2048", "rsa2048"}));
}

}  // namespace
}  // namespace gatehouse::certs::two_key_types_test
