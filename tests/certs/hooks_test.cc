// Programs and webhooks that are told of events: in their order, again when they fail, and none
// held up by another.
#include "certs/hooks.h"

#include <gmock/gmock.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "certs/webhook_signature.h"
#include "tests/acme/loop_server.h"
#include "tests/base/skipped_time.h"
#include "tests/certs/fake_issuer.h"
#include "tests/storage/folder.h"

namespace gatehouse::certs::hooks_test {
namespace {

using acme::ScriptReply;
using acme::ScriptRequest;
using config::HookEvent;
using std::chrono::hours;
using std::chrono::minutes;
using testing::AllOf;
using testing::ElementsAre;
using testing::Ge;
using testing::HasSubstr;
using testing::Le;

constexpr const char* kSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

// Where hooks are posted to.
struct Receiver {
  explicit Receiver(base::Loop& loop)
      : server([this](const ScriptRequest& request) { return take(request); }, loop) {}

  ScriptReply take(const ScriptRequest& request) {
    seen.push_back(request);
    times.push_back(base::Clock::now());
    ScriptReply reply(status);
    reply.silent = silent;
    return reply;
  }
  // The names of the events, in the order in which they came.
  std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& one : seen) {
      all.push_back(nlohmann::json::parse(one.body).at("name").get<std::string>());
    }
    return all;
  }

  int status = 204;
  bool silent = false;
  std::vector<ScriptRequest> seen;
  std::vector<base::TimePoint> times;
  acme::LoopServer server;
};

config::Hook webhook(const Receiver& receiver) {
  config::HookWebhook action;
  action.url = receiver.server.url("/told?token=hidden");
  action.secret = kSecret;
  config::Hook hook;
  hook.action = std::move(action);
  return hook;
}

CertificateEvent event(std::string name, HookEvent kind = HookEvent::kFailed) {
  CertificateEvent made(kind, base::wall_now());
  made.names = {std::move(name)};
  return made;
}

struct HooksTest : testing::Test {
  void start(std::vector<config::Hook> wanted) {
    hooks = std::make_unique<Hooks>(Hooks::Parts{loop, blocking, resolver}, wanted);
  }
  void tell(std::string name) { hooks->tell(event(std::move(name))); }

  base::Loop loop;
  base::BlockingPool blocking{1};
  base::Resolver resolver;
  base::SkippedTime time{loop, blocking};
  Receiver receiver{loop};
  Receiver other{loop};
  std::unique_ptr<Hooks> hooks;
};

TEST(WebhookSignature, IsThatOfStandardWebhooks) {
  const base::WallTime at{std::chrono::seconds(1614265330)};
  EXPECT_EQ(webhook_signature(webhook_key(kSecret), "msg_p5jXN8AQM9LWM0D4loKWxJek", at,
                              R"({"test": 2432232314})"),
            "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  EXPECT_EQ(webhook_key("a secret as it is"), "a secret as it is");
}

TEST_F(HooksTest, AWebhookIsToldAgainUntilItAnswersWellUnderOneIdAndSignedAnew) {
  start({webhook(receiver)});
  receiver.status = 500;
  tell("a.example");
  time.until([&] { return receiver.seen.size() == 3; });
  receiver.status = 200;
  time.pass(hours(1));
  ASSERT_EQ(receiver.seen.size(), 4u);
  for (const ScriptRequest& request : receiver.seen) {
    EXPECT_EQ(request.method, "POST");
    EXPECT_EQ(request.path, "/told?token=hidden");
    EXPECT_EQ(request.fields.at("content-type"), "application/json");
    EXPECT_EQ(request.fields.at("webhook-id"), receiver.seen[0].fields.at("webhook-id"));
    EXPECT_EQ(request.body, receiver.seen[0].body);
    const base::WallTime at{
        std::chrono::seconds(std::stoll(request.fields.at("webhook-timestamp")))};
    EXPECT_EQ(
        request.fields.at("webhook-signature"),
        webhook_signature(webhook_key(kSecret), request.fields.at("webhook-id"), at, request.body));
  }
  EXPECT_NE(receiver.seen[0].fields.at("webhook-timestamp"),
            receiver.seen[3].fields.at("webhook-timestamp"));
  const auto first = receiver.times[1] - receiver.times[0];
  const auto third = receiver.times[3] - receiver.times[2];
  EXPECT_GE(first, std::chrono::milliseconds(900));
  EXPECT_GE(third, std::chrono::seconds(8));
  EXPECT_EQ(hooks->lost(), 0u);
}

TEST_F(HooksTest, WhatFailsForAnHourIsGivenUpAndWhatWaitsBehindItIsTriedOnce) {
  start({webhook(receiver)});
  receiver.status = 404;
  for (int i = 0; i < 40; ++i) tell("n" + std::to_string(i) + ".example");
  time.pass(hours(2));
  const std::vector<std::string> names = receiver.names();
  EXPECT_EQ(std::ranges::count(names, "n0.example"), Hooks::kAttempts);
  EXPECT_LE(receiver.times[Hooks::kAttempts - 1] - receiver.times[0], Hooks::kTold);
  EXPECT_THAT(std::ranges::count(names, "n1.example"), AllOf(Ge(1), Le(8)));
  EXPECT_EQ(std::ranges::count(names, "n39.example"), 1);
  EXPECT_EQ(hooks->lost(), 40u);
  receiver.status = 200;
  tell("f.example");
  time.settle();
  EXPECT_EQ(receiver.names().back(), "f.example");
  EXPECT_EQ(hooks->lost(), 40u);
}

TEST_F(HooksTest, OneThatIsSilentHoldsUpNoOtherAndKeepsTheOrderOfItsOwn) {
  start({webhook(receiver), webhook(other)});
  receiver.silent = true;
  for (const char* name : {"a.example", "b.example", "c.example"}) tell(name);
  time.settle();
  EXPECT_THAT(other.names(), ElementsAre("a.example", "b.example", "c.example"));
  EXPECT_THAT(receiver.names(), ElementsAre("a.example"));
  receiver.silent = false;
  time.pass(minutes(1));
  EXPECT_THAT(receiver.names(), ElementsAre("a.example", "a.example", "b.example", "c.example"));
}

TEST_F(HooksTest, IsToldWhatItWantsToKnowAlone) {
  auto some = webhook(receiver);
  some.on = {HookEvent::kExpiring, HookEvent::kFailed};
  some.names = {"mail.example", "*.shop.example"};
  start({some});
  EXPECT_TRUE(hooks->wants(HookEvent::kFailed));
  EXPECT_FALSE(hooks->wants(HookEvent::kRevoked));
  for (const char* name : {"mail.example", "a.mail.example", "a.b.shop.example", "shop.example"}) {
    tell(name);
  }
  hooks->tell(event("mail.example", HookEvent::kRevoked));
  auto several = event("x.example");
  several.names.emplace_back("mail.example");
  hooks->tell(several);
  time.settle();
  EXPECT_THAT(receiver.names(), ElementsAre("mail.example", "a.b.shop.example", "x.example"));
}

TEST_F(HooksTest, OfTooManyEventsTheOldestAreDroppedAndCounted) {
  start({webhook(receiver)});
  receiver.silent = true;
  for (std::size_t i = 0; i < Hooks::kQueued + 4; ++i) tell("n" + std::to_string(i) + ".example");
  time.settle();
  const std::size_t lost = hooks->lost();
  EXPECT_THAT(lost, AllOf(Ge(3u), Le(4u)));  // the first may be on its way
  receiver.silent = false;
  time.pass(minutes(1));
  EXPECT_EQ(hooks->lost(), lost);
  EXPECT_EQ(receiver.names().back(), "n" + std::to_string(Hooks::kQueued + 3) + ".example");
}

TEST_F(HooksTest, AtTheEndWhatWaitsIsTriedOnceAndNothingIsTakenAnyMore) {
  start({webhook(receiver), webhook(other)});
  receiver.status = 500;
  tell("a.example");
  time.until([&] { return receiver.seen.size() == 4; });  // now it waits for half a minute
  tell("b.example");
  other.silent = true;
  tell("c.example");
  time.settle();
  hooks->hurry();
  time.run(hooks->close(base::Deadline::in(base::Duration(3'000))));
  const auto names = receiver.names();
  EXPECT_THAT(std::vector<std::string>(names.begin() + 4, names.end()),
              ElementsAre("a.example", "b.example", "c.example"));
  EXPECT_EQ(hooks->lost(), 5u);  // the request that is not answered, and what waits behind it
  tell("d.example");
  EXPECT_EQ(hooks->lost(), 7u);
  time.pass(minutes(1));  // that request ends, which is told already
  EXPECT_EQ(hooks->lost(), 7u);
  EXPECT_EQ(hooks->tasks(), 0u);
}

// What programs are told; in the machine's own time, in which they run.
struct HookProgramsTest : testing::Test {
  config::Hook command(const std::string& script) {
    const auto file = folder.path() / "hook.sh";
    std::ofstream(file) << "#!/bin/sh\n" << script;
    std::filesystem::permissions(file, std::filesystem::perms::owner_all);
    config::HookCommand action;
    action.program = file.string();
    action.arguments = {folder.path().string()};
    config::Hook hook;
    hook.action = std::move(action);
    return hook;
  }
  std::string file(const char* name) {
    std::ifstream in(folder.path() / name);
    return std::string(std::istreambuf_iterator<char>(in), {});
  }

  storage::Folder folder;
  base::Loop loop;
  base::BlockingPool blocking{1};
  base::Resolver resolver;
};

TEST_F(HookProgramsTest, GetVariablesADocumentAndANewCertificateWithItsKey) {
  Hooks hooks(Hooks::Parts{loop, blocking, resolver},
              {command("cd \"$1\"; cat > document; cat $GATEHOUSE_CHAIN > chain\n"
                       "cat $GATEHOUSE_KEY > key\n"
                       "echo $GATEHOUSE_EVENT $GATEHOUSE_NAME $GATEHOUSE_NAMES $GATEHOUSE_ISSUER "
                       "$GATEHOUSE_SERIAL $GATEHOUSE_KEY_TYPE > variables\n")});
  const auto key = *tls::PrivateKey::generate(tls::KeyType::kP256);
  const base::WallTime now = base::wall_now();
  CertificateEvent renewed(HookEvent::kRenewed, now);
  renewed.names = {"a.example", "b.example"};
  renewed.source = Source::kManaged;
  renewed.issuer = "internal";
  renewed.certificate = make_certificate(key, renewed.names, now, now + hours(24));
  renewed.replaces = "01ab";
  const std::string serial = renewed.certificate->leaf().serial;
  hooks.tell(renewed);
  base::run(loop, hooks.close(base::Deadline::never()));
  EXPECT_EQ(hooks.lost(), 0u);
  EXPECT_EQ(file("variables"),
            "renewed a.example a.example b.example internal " + serial + " p256\n");
  EXPECT_EQ(file("chain"), renewed.certificate->chain_pem());
  EXPECT_EQ(file("key"), key.pem());
  const auto document = nlohmann::json::parse(file("document"));
  EXPECT_EQ(document.at("event"), "renewed");
  EXPECT_EQ(document.at("id"), renewed.id);
  EXPECT_EQ(document.at("names"), nlohmann::json(renewed.names));
  EXPECT_EQ(document.at("source"), "managed");
  EXPECT_EQ(document.at("serial"), serial);
  EXPECT_EQ(document.at("key_type"), "p256");
  EXPECT_EQ(document.at("replaces"), "01ab");
  EXPECT_EQ(document.at("chain"), renewed.certificate->chain_pem());
  EXPECT_THAT(file("document"), testing::Not(HasSubstr("PRIVATE")));
}

TEST_F(HookProgramsTest, ThatHangAreKilledWithTheirChildrenAtTheEnd) {
  Hooks hooks(Hooks::Parts{loop, blocking, resolver},
              {command("sleep 1000 & echo $! > \"$1/child\"; wait\n")});
  hooks.tell(event("a.example"));
  hooks.tell(event("b.example"));
  const auto started = [](HookProgramsTest& test) -> base::Task<void> {
    while (test.file("child").empty()) {
      co_await base::sleep_until(test.loop, base::Deadline::in(base::Duration(1)));
    }
  };
  base::run(loop, started(*this));
  hooks.hurry();
  base::run(loop, hooks.close(base::Deadline::in(base::Duration(1))));
  EXPECT_EQ(hooks.tasks(), 0u);
  EXPECT_EQ(hooks.lost(), 2u);
}

TEST_F(HookProgramsTest, WhoseStatusIsNotZeroHaveFailed) {
  Hooks hooks(Hooks::Parts{loop, blocking, resolver},
              {command("echo no such service >&2; exit 3")});
  hooks.hurry();
  hooks.tell(event("a.example"));
  base::run(loop, hooks.close(base::Deadline::never()));
  EXPECT_EQ(hooks.lost(), 1u);
}

}  // namespace
}  // namespace gatehouse::certs::hooks_test
