#include "certs/permission.h"

#include <gtest/gtest.h>

#include <optional>

#include "base/gate.h"
#include "base/resolver.h"
#include "tests/certs/ask_server.h"
#include "tests/certs/run_task.h"

namespace gatehouse::certs::permission_test {
namespace {

TEST(AskUrl, AddsTheDomainToTheQuery) {
  EXPECT_EQ(ask_url("http://a/ok", "b.example"), "http://a/ok?domain=b.example");
  EXPECT_EQ(ask_url("http://a/ok?x=1", "b.example"), "http://a/ok?x=1&domain=b.example");
  EXPECT_EQ(ask_url("http://a/ok?", "b.example"), "http://a/ok?domain=b.example");
  EXPECT_EQ(ask_url("http://a/ok?x=1&", "b.example"), "http://a/ok?x=1&domain=b.example");
  EXPECT_EQ(ask_url("http://a/ok#top", "b.example"), "http://a/ok?domain=b.example");
}

TEST(AskUrl, EscapesWhatIsNoUnreservedCharacter) {
  EXPECT_EQ(ask_url("http://a", "b&c=d e/\xff"), "http://a?domain=b%26c%3Dd%20e%2F%FF");
}

tls::ClientOptions no_roots() {
  tls::ClientOptions options;
  options.system_roots = false;
  return options;
}

struct PermissionTest : testing::Test {
  base::Loop loop;
  base::Resolver resolver;
  std::unique_ptr<tls::ClientContext> tls = tls::ClientContext::make(no_roots()).value();
  http::Client client{loop, resolver, *tls, "gatehouse-test"};
  AskServer server{loop};
  std::optional<Permission> permission;

  void use(Permission::Policy policy) { permission.emplace(loop, client, std::move(policy)); }
  void use_ask(std::string_view path = "/ok", base::Duration timeout = base::Duration(5000)) {
    Permission::Policy policy;
    policy.ask = server.url(path);
    policy.timeout = timeout;
    use(std::move(policy));
  }
  Verdict check(std::string name) { return run_task(loop, permission->check(name)).verdict; }
};

TEST_F(PermissionTest, DeniesEveryNameWithoutAllowOrAsk) {
  use(Permission::Policy());
  EXPECT_EQ(check("a.example"), Verdict::kDenied);
}

TEST_F(PermissionTest, AllowsNamesOfPatternsWithoutAsking) {
  Permission::Policy policy;
  policy.allow = {"a.example", "*.b.example"};
  policy.ask = server.url("/ok");
  server.answer("c.example", 404);
  use(std::move(policy));
  EXPECT_EQ(check("a.example"), Verdict::kAllowed);
  EXPECT_EQ(check("x.b.example"), Verdict::kAllowed);
  EXPECT_TRUE(server.targets().empty());
  EXPECT_EQ(check("c.example"), Verdict::kDenied);
  EXPECT_EQ(server.targets().size(), 1u);
}

TEST_F(PermissionTest, TakesAnyTwoHundredsForAYesAndNothingElse) {
  use_ask();
  for (const int status : {200, 201, 204, 299}) {
    const std::string name = "yes" + std::to_string(status) + ".example";
    server.answer(name, status);
    EXPECT_EQ(check(name), Verdict::kAllowed) << status;
  }
  for (const int status : {300, 301, 302, 307, 400, 401, 403, 404, 410}) {
    const std::string name = "no" + std::to_string(status) + ".example";
    server.answer(name, status);
    EXPECT_EQ(check(name), Verdict::kDenied) << status;
  }
  for (const int status : {429, 500, 502, 503}) {
    const std::string name = "unknown" + std::to_string(status) + ".example";
    server.answer(name, status);
    EXPECT_EQ(check(name), Verdict::kUnknown) << status;
  }
}

TEST_F(PermissionTest, DoesNotFollowARedirectToAYes) {
  use_ask();
  server.answer("moved.example", 302);
  server.location(server.url("/yes?domain=other.example"));
  EXPECT_EQ(check("moved.example"), Verdict::kDenied);
  EXPECT_EQ(server.targets().size(), 1u);
}

TEST_F(PermissionTest, RemembersYesAndNo) {
  use_ask("/ok?key=1");
  server.answer("no.example", 403);
  for (int i = 0; i < 3; ++i) {
    EXPECT_EQ(check("yes.example"), Verdict::kAllowed);
    EXPECT_EQ(check("no.example"), Verdict::kDenied);
  }
  EXPECT_EQ(server.targets(), (std::vector<std::string>{"/ok?key=1&domain=yes.example",
                                                        "/ok?key=1&domain=no.example"}));
}

TEST_F(PermissionTest, SilenceIsUnknownWithinTheTimeout) {
  use_ask("/ok", base::Duration(500));
  server.answer("slow.example", 0);
  EXPECT_EQ(check("slow.example"), Verdict::kUnknown);
  EXPECT_EQ(check("slow.example"), Verdict::kUnknown);
  EXPECT_EQ(server.targets().size(), 1u);
}

TEST_F(PermissionTest, ADeadApplicationIsUnknown) {
  use_ask();
  server.die();
  EXPECT_EQ(check("a.example"), Verdict::kUnknown);
}

base::Task<void> check_into(Permission& permission, std::string name, int& allowed) {
  const Ruling ruling = co_await permission.check(name);
  if (ruling.verdict == Verdict::kAllowed) ++allowed;
}

TEST_F(PermissionTest, AsksOnceForManyQuestionsAtOnce) {
  use_ask();
  base::Gate gate(loop);
  int allowed = 0;
  for (int i = 0; i < 200; ++i) {
    gate.spawn(check_into(*permission, "a.example", allowed), "test");
  }
  EXPECT_TRUE(run_task(loop, gate.close()));
  EXPECT_EQ(allowed, 200);
  EXPECT_EQ(server.targets().size(), 1u);
}

TEST_F(PermissionTest, AsksForManyNamesAtOnceWithinItsBound) {
  use_ask();
  base::Gate gate(loop);
  int allowed = 0;
  for (int i = 0; i < 500; ++i) {
    gate.spawn(check_into(*permission, "n" + std::to_string(i) + ".example", allowed), "test");
  }
  EXPECT_TRUE(run_task(loop, gate.close()));
  EXPECT_EQ(allowed, 500);
  EXPECT_EQ(server.targets().size(), 500u);
}

}  // namespace
}  // namespace gatehouse::certs::permission_test
