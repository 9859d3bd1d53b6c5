// Accounts at a server of acme-dns that nobody has made before.
#include "certs/dns_acme_dns.h"

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "certs/dns_challenges.h"
#include "tests/acme/loop_server.h"
#include "tests/certs/memory_storage.h"
#include "tests/certs/run_task.h"
#include "tests/dns/fake_server.h"

namespace gatehouse::certs::dns_acme_dns_test {
namespace {

using acme::ScriptReply;
using acme::ScriptRequest;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using Presented = base::Result<DnsRecord>;

struct AcmeDnsTest : testing::Test {
  // On the storage that all share.
  struct Process {
    Process(AcmeDnsTest& test, const config::Dns& wanted, DnsOptions options)
        : loop(test.loop),
          storage(loop, test.records),
          dns(DnsChallenges::Parts{loop, blocking, storage, tasks},
              make_dns_provider(DnsProviderParts{loop, blocking, resolver, storage}, wanted),
              std::move(options)) {}
    ~Process() { run_task(loop, tasks.close()); }

    base::Loop& loop;
    base::BlockingPool blocking{1};
    base::Resolver resolver;
    MemoryStorage storage;
    base::Gate tasks{loop};
    DnsChallenges dns;
  };

  std::unique_ptr<Process> process() {
    config::Dns wanted;
    wanted.provider.emplace<config::DnsAcmeDns>().url = api.url("");
    DnsOptions options;
    options.resolvers.push_back(names.endpoint());
    options.servers.emplace(options.resolvers);
    return std::make_unique<Process>(*this, wanted, std::move(options));
  }
  Presented present(Process& by, std::string name = "a.example", std::string value = "v") {
    return run_task(loop, by.dns.present(std::move(name), std::move(value), soon()));
  }
  static base::Deadline soon() { return base::Deadline::in(base::Duration(20'000)); }
  void alias(const std::string& name, const std::string& to) {
    names.add("_acme-challenge." + name, dns::Type::kCname, dns::name_data(to));
  }
  std::vector<std::string> accounts() {
    std::vector<std::string> keys;
    for (const auto& [key, text] : records->records) {
      if (key.starts_with("acme_dns/")) keys.push_back(key.substr(key.rfind('/') + 1));
    }
    return keys;
  }

  ScriptReply answer(const ScriptRequest& request) {
    if (request.path == "/register") {
      said.push_back("register");
      if (instead) return *instead;
      const std::string number = std::to_string(said.size());
      nlohmann::json account;
      account["username"] = "user-" + number;
      account["password"] = "secret-" + number;
      account["subdomain"] = "Sub-" + number;  // as it spells it
      account["fulldomain"] = "Sub-" + number + ".auth.example";
      account["allowfrom"] = nlohmann::json::array();
      return ScriptReply(201, account.dump());
    }
    const auto update = nlohmann::json::parse(request.body);
    std::string subdomain = update["subdomain"];
    const std::string value = update["txt"];
    said.push_back(request.fields.at("x-api-user") + " " + request.fields.at("x-api-key") + " " +
                   subdomain + " " + value);
    subdomain[0] = 's';
    names.add(subdomain + ".auth.example", dns::Type::kTxt, dns::text_data(value));
    return ScriptReply(200, request.body);
  }

  base::Loop loop;
  dns::FakeServer names;
  std::vector<std::string> said;  // to the server's API
  std::optional<ScriptReply> instead;
  acme::LoopServer api{[this](const ScriptRequest& request) { return answer(request); }, loop};
  std::shared_ptr<MemoryStorage::Records> records = std::make_shared<MemoryStorage::Records>();
};

TEST_F(AcmeDnsTest, ANamesFirstOrderSaysWhichCnameIsWantedAndLaterOnesGoOnOnceItIsThere) {
  const auto first = process();
  for (int i = 0; i < 2; ++i) {
    const auto missing = present(*first);
    ASSERT_FALSE(missing);
    EXPECT_THAT(missing.error().detail,
                HasSubstr("\"_acme-challenge.a.example. CNAME sub-1.auth.example.\""));
    EXPECT_THAT(missing.error().detail, HasSubstr(api.url("")));
    EXPECT_EQ(missing.error().retry, base::Retry::kYes);
  }
  EXPECT_THAT(said, ElementsAre("register"));
  alias("a.example", "sub-1.auth.example");
  const auto set = present(*first);
  ASSERT_TRUE(set) << set.error().detail;
  EXPECT_EQ(set->name, "sub-1.auth.example");
  const auto later = process();
  ASSERT_TRUE(present(*later, "a.example", "w"));
  EXPECT_THAT(said, ElementsAre("register", "user-1 secret-1 Sub-1 v", "user-1 secret-1 Sub-1 w"));
}

TEST_F(AcmeDnsTest, ACnameThatLeadsElsewhereIsTold) {
  alias("a.example", "other.auth.example");
  const auto by = process();
  const auto wrong = present(*by);
  ASSERT_FALSE(wrong);
  EXPECT_THAT(wrong.error().detail, HasSubstr("CNAME sub-1.auth.example."));
  EXPECT_THAT(wrong.error().detail, HasSubstr("leads to other.auth.example"));
}

TEST_F(AcmeDnsTest, TwoProcessesThatComeTogetherRegisterOnce) {
  const auto one = process();
  const auto two = process();
  std::optional<Presented> first;
  std::optional<Presented> second;
  loop.spawn(base::keep_result(one->dns.present("a.example", "v", soon()), first), "one");
  loop.spawn(base::keep_result(two->dns.present("a.example", "w", soon()), second), "two");
  run_until(loop, [&] { return first && second; });
  EXPECT_EQ(first->error().detail, second->error().detail);
  EXPECT_THAT(said, ElementsAre("register"));
}

TEST_F(AcmeDnsTest, EachNameHasAnAccountOfItsOwn) {
  const auto by = process();
  ASSERT_FALSE(present(*by, "a.example"));
  ASSERT_FALSE(present(*by, "b.example"));
  EXPECT_THAT(accounts(), ElementsAre("_acme-challenge.a.example", "_acme-challenge.b.example"));
  alias("a.example", "sub-1.auth.example");
  alias("b.example", "sub-2.auth.example");
  ASSERT_TRUE(present(*by, "b.example", "of b"));
  ASSERT_TRUE(present(*by, "a.example", "of a"));
  EXPECT_THAT(said, ElementsAre("register", "register", "user-2 secret-2 Sub-2 of b",
                                "user-1 secret-1 Sub-1 of a"));
}

TEST_F(AcmeDnsTest, AServerThatRegistersNobodyIsNamedWithWhatCanBeDone) {
  instead = ScriptReply(404, "registration is off");
  const auto by = process();
  const auto refused = present(*by);
  ASSERT_FALSE(refused);
  for (const char* part : {"_acme-challenge.a.example", "/register answered 404",
                           "registration is off", "\"username\""}) {
    EXPECT_THAT(refused.error().detail, HasSubstr(part));
  }
  EXPECT_THAT(accounts(), IsEmpty());
}

TEST_F(AcmeDnsTest, WhatIsNoAccountIsNotUsed) {
  nlohmann::json good{
      {"username", "u"}, {"password", "p"}, {"subdomain", "s"}, {"fulldomain", "s.auth.example"}};
  std::vector<std::string> bodies{"", "[]", "{}"};
  for (const auto& [key, value] :
       std::vector<std::pair<std::string, nlohmann::json>>{{"username", 7},
                                                           {"username", std::string(300, 'u')},
                                                           {"password", "p\r\nX-Evil: 1"},
                                                           {"subdomain", ""},
                                                           {"fulldomain", "no name!"}}) {
    auto bad = good;
    bad[key] = value;
    bodies.push_back(bad.dump());
  }
  const auto by = process();
  for (const auto& body : bodies) {
    instead = ScriptReply(201, body);
    const auto refused = present(*by);
    ASSERT_FALSE(refused) << body;
    EXPECT_THAT(refused.error().detail, HasSubstr("/register gave none that can be used"));
  }
  EXPECT_THAT(accounts(), IsEmpty());
}

TEST_F(AcmeDnsTest, WhatStorageDoesNotKeepIsNotUsed) {
  const auto by = process();
  by->storage.fail_stores = true;
  const auto lost = present(*by);
  ASSERT_FALSE(lost);
  EXPECT_THAT(lost.error().detail, HasSubstr("cannot be stored"));
  EXPECT_THAT(lost.error().detail, ::testing::Not(HasSubstr("CNAME")));
  by->storage.fail_stores = false;
  const auto kept = present(*by);
  ASSERT_FALSE(kept);
  EXPECT_THAT(kept.error().detail, HasSubstr("CNAME sub-2.auth.example."));
}

TEST_F(AcmeDnsTest, ADamagedRecordIsKeptAsideAndAnotherAccountRegistered) {
  const auto by = process();
  ASSERT_FALSE(present(*by));
  for (auto& [key, text] : records->records) {
    if (key.starts_with("acme_dns/")) text = R"({"version": 1, "username": 7})";
  }
  const auto again = present(*by);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error().detail, HasSubstr("CNAME sub-2.auth.example."));
  EXPECT_EQ(records->aside.size(), 1u);
}

}  // namespace
}  // namespace gatehouse::certs::dns_acme_dns_test
