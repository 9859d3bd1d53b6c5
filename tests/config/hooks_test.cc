#include "config/hooks.h"

#include <gmock/gmock.h>

#include "config/load.h"

namespace gatehouse::config::hooks_test {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// A file with these hooks.
std::expected<Config, std::vector<ConfigError>> read(const std::string& hooks) {
  return load(R"({"hooks": )" + hooks + R"(, "sites": [{"hosts": ["a.example"], "respond": {}}]})",
              [](const char* name) -> const char* {
                return std::string_view(name) == "SECRET" ? "a secret of the environment" : nullptr;
              });
}

std::string errors(const std::string& hooks) {
  const auto loaded = read(hooks);
  return loaded ? "none" : render("F", loaded.error());
}

std::string webhook_errors(const std::string& keys) {
  return errors(R"([{"webhook": {)" + keys + "}}]");
}

TEST(HookKeys, AreReadWithTheirDefaults) {
  const auto config = read(R"([
      {"command": {"program": "/deploy", "arguments": ["a", "b"], "timeout": "5m"},
       "on": ["obtained", "renewed"], "names": ["mail.example", "*.shop.example"]},
      {"webhook": {"url": "https://hooks.example/x?y=z", "secret": "${SECRET}"}}])");
  ASSERT_TRUE(config) << render("F", config.error());
  ASSERT_EQ(config->hooks.size(), 2u);
  const Hook& first = config->hooks[0];
  EXPECT_THAT(first.on, ElementsAre(HookEvent::kObtained, HookEvent::kRenewed));
  EXPECT_THAT(first.names, ElementsAre("mail.example", "*.shop.example"));
  const auto& command = std::get<HookCommand>(first.action);
  EXPECT_EQ(command.program, "/deploy");
  EXPECT_THAT(command.arguments, ElementsAre("a", "b"));
  EXPECT_EQ(command.timeout, base::Duration(300'000));
  const Hook& second = config->hooks[1];
  EXPECT_TRUE(second.on.empty() && second.names.empty());
  const auto& webhook = std::get<HookWebhook>(second.action);
  EXPECT_EQ(webhook.url, "https://hooks.example/x?y=z");
  EXPECT_EQ(webhook.secret, "a secret of the environment");
  EXPECT_EQ(webhook.timeout, base::Duration(10'000));
}

TEST(HookKeys, SayWhatIsMissingOrWrong) {
  const std::string good = R"("command": {"program": "/x"})";
  EXPECT_THAT(errors("{}"), StartsWith("F:1: /hooks: expected a list"));
  EXPECT_THAT(errors(R"([{"on": ["renewed"]}])"),
              StartsWith("F:1: /hooks/0: expected exactly one of command, webhook"));
  EXPECT_THAT(errors("[{" + good + R"(, "webhook": {"url": "http://x", "secret": "0123456789abcdef"
                     }}])"),
              HasSubstr("exactly one of command, webhook"));
  EXPECT_THAT(errors("[{" + good + R"(, "on": ["renwed"]}])"),
              StartsWith("F:1: /hooks/0/on/0: expected one of \"obtained\", \"renewed\""));
  EXPECT_THAT(errors("[{" + good + R"(, "on": []}])"),
              StartsWith("F:1: /hooks/0/on: expected one event at least"));
  EXPECT_THAT(errors("[{" + good + R"(, "names": ["a b"]}])"), HasSubstr("/hooks/0/names/0: "));
  EXPECT_THAT(errors("[{" + good + R"(, "evnts": []}])"), HasSubstr("unknown key \"evnts\""));
  EXPECT_THAT(errors(R"([{"command": {"program": "x.sh"}}])"),
              HasSubstr("/hooks/0/command/program: expected an absolute path"));
  EXPECT_THAT(errors(R"([{"command": {}}])"), HasSubstr("expected the key \"program\""));
  EXPECT_THAT(errors(R"([{"command": {"program": "/x", "timeout": 0}}])"),
              HasSubstr("/hooks/0/command/timeout: expected a duration from"));
  std::string many = "[{" + good + "}";
  for (std::size_t i = 0; i < kMostHooks; ++i) many += ", {" + good + "}";
  EXPECT_THAT(errors(many + "]"), HasSubstr("/hooks: expected 32 hooks at most"));
}

TEST(HookKeys, AWebhookHasAUrlAndASecretThatCannotBeGuessed) {
  EXPECT_THAT(webhook_errors(R"("url": "https://x")"), HasSubstr("expected the key \"secret\""));
  EXPECT_THAT(webhook_errors(R"("secret": "0123456789abcdef")"),
              HasSubstr("expected the key \"url\""));
  EXPECT_EQ(webhook_errors(R"("url": "http://x", "secret": "0123456789abcdef")"), "none");
  EXPECT_THAT(webhook_errors(R"("url": "ftp://x", "secret": "0123456789abcdef")"),
              HasSubstr("/webhook/url: expected a URL"));
  EXPECT_THAT(webhook_errors(R"("url": "http://x", "secret": "0123456789abcde")"),
              HasSubstr("/webhook/secret: a secret has 16 bytes at least"));
  EXPECT_EQ(webhook_errors(R"("url": "http://x", "secret": "whsec_MDEyMzQ1Njc4OWFiY2RlZg==")"),
            "none");
  EXPECT_THAT(webhook_errors(R"("url": "http://x", "secret": "whsec_MDEyMzQ1Njc4OWE=")"),
              HasSubstr("16 bytes at least"));
  EXPECT_THAT(webhook_errors(R"("url": "http://x", "secret": "whsec_not base64, by far")"),
              HasSubstr("what follows \"whsec_\" in a secret is base64"));
  EXPECT_THAT(webhook_errors(R"("url": "http://x", "secret": {"file": "/none/such"})"),
              HasSubstr("cannot read the secret in the file /none/such"));
}

}  // namespace
}  // namespace gatehouse::config::hooks_test
