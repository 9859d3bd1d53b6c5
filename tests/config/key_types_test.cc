// Types of keys: one, or one of each algorithm.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace gatehouse::config::key_types_test {
namespace {

using testing::HasSubstr;

std::expected<Config, std::vector<ConfigError>> with(const std::string& tls,
                                                     const std::string& site_tls = "{}") {
  return load(R"({"sites": [{"hosts": ["a.example"], "respond": {}, "tls": )" + site_tls +
                  R"(}], "tls": {)" + tls + "}}",
              process_environment);
}

std::vector<KeyType> types(const std::string& value) {
  const auto config = with("\"key_type\": " + value);
  EXPECT_TRUE(config) << (config ? "" : render("F", config.error()));
  return config ? config->tls.key_type : std::vector<KeyType>();
}

std::string errors(const std::expected<Config, std::vector<ConfigError>>& config) {
  return config ? "" : render("F", config.error());
}

TEST(KeyTypes, AreAWordOrAListOfTwo) {
  EXPECT_EQ(types(R"("rsa4096")"), std::vector{KeyType::kRsa4096});
  EXPECT_EQ(types(R"(["p384"])"), std::vector{KeyType::kP384});
  EXPECT_EQ(types(R"(["rsa2048", "p256"])"), (std::vector{KeyType::kRsa2048, KeyType::kP256}));
  EXPECT_EQ(with("")->tls.key_type, std::vector{KeyType::kP256});
}

TEST(KeyTypes, OfTheSameAlgorithmAreAnErrorThatSaysWhy) {
  for (const char* value : {R"(["p256", "p384"])", R"(["p256", "p256"])"}) {
    const auto error = errors(with(std::string("\"key_type\": ") + value));
    EXPECT_THAT(error, HasSubstr("/tls/key_type"));
    EXPECT_THAT(error, HasSubstr("both are of ECDSA"));
  }
  EXPECT_THAT(errors(with(R"("key_type": ["rsa2048", "rsa4096"])")),
              HasSubstr("both are of RSA: a second certificate is for clients that cannot check"));
  for (const char* value : {"[]", R"(["p256", "rsa2048", "p384"])"}) {
    EXPECT_THAT(errors(with(std::string("\"key_type\": ") + value)),
                HasSubstr("expected one type, or two"));
  }
}

TEST(KeyTypes, OfFilesAreTwoAtMost) {
  const std::string one = R"({"file": "x", "key": "y"})";
  for (const auto& files : {one, "[" + one + "]", "[" + one + "," + one + "]"}) {
    EXPECT_EQ(errors(with("", "{\"certificate\": " + files + "}")), "");
  }
  EXPECT_THAT(errors(with("", "{\"certificate\": [" + one + "," + one + "," + one + "]}")),
              HasSubstr("expected two at most"));
  EXPECT_THAT(errors(with("", R"({"certificate": [{"file": "x"}]})")),
              HasSubstr("expected both \"file\" and \"key\""));
}

}  // namespace
}  // namespace gatehouse::config::key_types_test
