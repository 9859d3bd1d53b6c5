#include "acme/client.h"

#include <gtest/gtest.h>

#include "acme/authorization.h"
#include "acme/certificate.h"
#include "acme/order.h"
#include "tests/acme/fake_ca.h"
#include "tests/acme/harness.h"

namespace gatehouse::acme::client_test {
namespace {

using base::Code;
using base::Deadline;

class AcmeClient : public ::testing::Test {
 protected:
  Account account() {
    Account account{*tls::PrivateKey::generate(tls::KeyType::kP256), ""};
    auto url = run(house.loop, register_account(client, account, Registration(), soon()));
    EXPECT_TRUE(url) << (url ? "" : url.error().error.detail);
    if (url) account.url = *url;
    return account;
  }
  Outcome<Order> order(const Account& account) {
    return run(house.loop, new_order(client, account, NewOrder({"a.test"}), soon()));
  }
  static Deadline soon() { return Deadline::in(base::Duration(20'000)); }

  FakeCa ca;
  Harness house;
  Client client{house.loop, house.http, ca.directory_url()};
};

TEST_F(AcmeClient, RegistersAnAccountAndOrders) {
  const Account me = account();
  EXPECT_EQ(me.url, ca.url("/account/0"));
  const auto placed = order(me);
  ASSERT_TRUE(placed) << placed.error().error.detail;
  EXPECT_EQ(placed->status, "pending");
  EXPECT_EQ(placed->authorizations.size(), 1u);
}

TEST_F(AcmeClient, NamesItselfOnEveryRequest) {
  order(account());
  for (const ScriptRequest& request : ca.requests()) {
    ASSERT_TRUE(request.fields.contains("user-agent")) << request.path;
    EXPECT_TRUE(request.fields.at("user-agent").starts_with("gatehouse"));
  }
}

TEST_F(AcmeClient, TakesItsNoncesFromAnswers) {
  const Account me = account();
  for (int i = 0; i < 5; ++i) order(me);
  EXPECT_EQ(ca.count("/new-nonce"), 0);  // the directory brought the first
  EXPECT_EQ(ca.count("/dir"), 1);
}

TEST_F(AcmeClient, AsksForANonceWhenNoneIsLeft) {
  ca.nonces_everywhere = false;
  const Account me = account();
  EXPECT_TRUE(order(me));
  EXPECT_EQ(ca.count("/new-nonce"), 2);
}

TEST_F(AcmeClient, GivesUpOnACaWithoutNonces) {
  const Account me = account();
  ca.nonces_everywhere = false;
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-nonce") return std::nullopt;
    return ScriptReply(204).with("Replay-Nonce", "no nonce");
  };
  ASSERT_TRUE(order(me));  // with the last one of before
  const auto placed = order(me);
  ASSERT_FALSE(placed);
  EXPECT_EQ(placed.error().error.code, Code::kMalformed);
}

TEST_F(AcmeClient, RepeatsAfterBadNonces) {
  const Account me = account();
  ca.bad_nonces = Client::kNonceTries;
  EXPECT_TRUE(order(me));
  EXPECT_EQ(ca.count("/new-order"), 1 + static_cast<int>(Client::kNonceTries));
}

TEST_F(AcmeClient, GivesUpInAStormOfBadNonces) {
  const Account me = account();
  ca.bad_nonces = 1000;
  const auto placed = order(me);
  ASSERT_FALSE(placed);
  EXPECT_TRUE(placed.error().is("badNonce"));
  EXPECT_EQ(ca.count("/new-order"), 1 + static_cast<int>(Client::kNonceTries));
}

TEST_F(AcmeClient, RepeatsAfterServerTrouble) {
  const Account me = account();
  int troubles = 2;
  ca.intercept = [&](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order" || troubles-- <= 0) return std::nullopt;
    return ScriptReply(503, "<html>sorry</html>").with("Content-Type", "text/html");
  };
  EXPECT_TRUE(order(me));
  EXPECT_EQ(ca.count("/new-order"), 3);
}

TEST_F(AcmeClient, RepeatsAfterABrokenConnection) {
  const Account me = account();
  int troubles = 1;
  ca.intercept = [&](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order" || troubles-- <= 0) return std::nullopt;
    ScriptReply reply;
    reply.hang_up = true;
    return reply;
  };
  EXPECT_TRUE(order(me));
}

TEST_F(AcmeClient, JudgesAnHtmlPageByItsStatus) {
  const Account me = account();
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order") return std::nullopt;
    return ScriptReply(503, "<html>sorry</html>");
  };
  const auto placed = order(me);
  ASSERT_FALSE(placed);
  EXPECT_EQ(placed.error().error.code, Code::kOverload);
  EXPECT_EQ(placed.error().error.side, base::Side::kCa);
  EXPECT_NE(placed.error().error.detail.find("503"), std::string::npos);
  EXPECT_EQ(ca.count("/new-order"), static_cast<int>(Client::kServerTries));
}

TEST_F(AcmeClient, HandsALongRetryAfterToItsCaller) {
  const Account me = account();
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order") return std::nullopt;
    return FakeCa::problem(503, "rateLimited", "busy").with("Retry-After", "3600");
  };
  const auto placed = order(me);
  ASSERT_FALSE(placed);
  EXPECT_EQ(placed.error().retry_after, std::chrono::seconds(3600));
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(AcmeClient, DoesNotRepeatWhatTheCaLimits) {
  const Account me = account();
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order") return std::nullopt;
    return FakeCa::problem(429, "rateLimited", "too many").with("Retry-After", "2");
  };
  const auto placed = order(me);
  ASSERT_FALSE(placed);
  EXPECT_TRUE(placed.error().is("rateLimited"));
  EXPECT_EQ(placed.error().retry_after, std::chrono::seconds(2));
  EXPECT_EQ(ca.count("/new-order"), 1);
}

TEST_F(AcmeClient, EndsAtItsDeadlineWhenTheCaIsSilent) {
  const Account me = account();
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order") return std::nullopt;
    ScriptReply reply;
    reply.silent = true;
    return reply;
  };
  const auto placed = run(
      house.loop, new_order(client, me, NewOrder({"a.test"}), Deadline::in(base::Duration(300))));
  ASSERT_FALSE(placed);
  EXPECT_EQ(placed.error().error.code, Code::kTimeout);
}

TEST_F(AcmeClient, RefusesAnOrderWithoutALocation) {
  const Account me = account();
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order") return std::nullopt;
    return ScriptReply(201, R"({"status":"pending"})");
  };
  const auto placed = order(me);
  ASSERT_FALSE(placed);
  EXPECT_EQ(placed.error().error.code, Code::kMalformed);
}

TEST_F(AcmeClient, FindsARelativeOrderUrl) {
  const Account me = account();
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order") return std::nullopt;
    return ScriptReply(201, R"({"status":"ready"})").with("Location", "/order/7");
  };
  EXPECT_EQ(order(me)->url, ca.url("/order/7"));
}

TEST_F(AcmeClient, RefusesABodyBeyondItsBound) {
  const Account me = account();
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order") return std::nullopt;
    return ScriptReply(201, R"({"status":")" + std::string(2 << 20, 'x') + "\"}")
        .with("Location", "/order/7");
  };
  const auto placed = order(me);
  ASSERT_FALSE(placed);
  EXPECT_EQ(placed.error().error.code, Code::kTooLarge);
}

TEST_F(AcmeClient, TellsWhereNewTermsAreAgreedTo) {
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-account") return std::nullopt;
    return ScriptReply(403, R"({"type":"urn:ietf:params:acme:error:userActionRequired",
                                "instance":"https://ca.test/agree"})");
  };
  const Account me{*tls::PrivateKey::generate(tls::KeyType::kP256), ""};
  const auto url = run(house.loop, register_account(client, me, Registration(), soon()));
  ASSERT_FALSE(url);
  EXPECT_NE(url.error().error.detail.find("https://ca.test/agree"), std::string::npos);
}

TEST_F(AcmeClient, SaysInOneLineWhereChangedTermsAreReadAndAgreedTo) {
  ca.meta["termsOfService"] = "https://ca.test/old-terms";
  const Account me = account();
  std::string link = "<https://ca.test/terms>;rel=\"terms-of-service\"";
  std::string instance = "https://ca.test/agree";
  ca.intercept = [&](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/new-order") return std::nullopt;
    ScriptReply reply(403, R"({"type":"urn:ietf:params:acme:error:userActionRequired",
                               "instance":")" +
                               instance + "\"}");
    if (!link.empty()) reply.with("Link", link);
    return reply;
  };
  const auto says = [&](const std::string& words) {
    const auto placed = order(me);
    ASSERT_FALSE(placed);
    EXPECT_NE(placed.error().error.detail.find(words), std::string::npos)
        << placed.error().error.detail;
    EXPECT_EQ(placed.error().error.detail.find('\n'), std::string::npos);
  };
  says("new terms of service (https://ca.test/terms): open https://ca.test/agree and agree");
  instance.clear();
  says("new terms of service: open https://ca.test/terms and agree");
  link.clear();
  says("new terms of service: open https://ca.test/old-terms and agree");
}

TEST_F(AcmeClient, SaysThatTheCaWantsAnExternalAccount) {
  ca.meta["externalAccountRequired"] = true;
  const Account me{*tls::PrivateKey::generate(tls::KeyType::kP256), ""};
  const auto url = run(house.loop, register_account(client, me, Registration(), soon()));
  ASSERT_FALSE(url);
  EXPECT_EQ(url.error().error.code, Code::kDenied);
  EXPECT_NE(url.error().error.detail.find("eab"), std::string::npos);
  EXPECT_EQ(ca.count("/new-account"), 0);
}

TEST_F(AcmeClient, RegistersWithoutAContactThatTheCaRefuses) {
  ca.intercept = [](const ScriptRequest& request,
                    const FakeCa::Json& payload) -> std::optional<ScriptReply> {
    if (request.path != "/new-account" || !payload.contains("contact")) return std::nullopt;
    return FakeCa::problem(400, "invalidContact", "no such domain");
  };
  const Account me{*tls::PrivateKey::generate(tls::KeyType::kP256), ""};
  Registration registration;
  registration.email = "ops@nowhere.test";
  EXPECT_TRUE(run(house.loop, register_account(client, me, registration, soon())));
}

TEST_F(AcmeClient, SaysWhatIsNoDirectory) {
  ca.intercept = [](const ScriptRequest& request, const auto&) -> std::optional<ScriptReply> {
    if (request.path != "/dir") return std::nullopt;
    return ScriptReply(200, "<html>hello</html>");
  };
  const auto directory = run(house.loop, client.directory(soon()));
  ASSERT_FALSE(directory);
  EXPECT_NE(directory.error().error.detail.find(ca.directory_url()), std::string::npos);
}

base::Task<int> ask_many(base::Loop& loop, Client& client) {
  int answered = 0;
  base::Event all(loop);
  auto ask = [](Client& c, int& count, base::Event& done) -> base::Task<void> {
    auto directory = co_await c.directory(Deadline::in(base::Duration(20'000)));
    if (directory && ++count == 20) done.set();
  };
  for (int i = 0; i < 20; ++i) loop.spawn(ask(client, answered, all), "ask");
  auto waited = co_await all.wait(Deadline::in(base::Duration(20'000)));
  co_return answered;
}

TEST_F(AcmeClient, FetchesTheDirectoryOnceForAllWhoAsk) {
  EXPECT_EQ(run(house.loop, ask_many(house.loop, client)), 20);
  EXPECT_EQ(ca.count("/dir"), 1);
}

}  // namespace
}  // namespace gatehouse::acme::client_test
