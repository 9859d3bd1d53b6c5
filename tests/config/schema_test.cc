#include <gtest/gtest.h>

#include "config/keys.h"

namespace gatehouse::config::schema_test {
namespace {

TEST(Schema, NamesEveryKeyWithItsMeaning) {
  const auto schema = config_schema();
  EXPECT_EQ(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
  EXPECT_EQ(schema["required"], Schema::array({"sites"}));
  EXPECT_FALSE(schema["additionalProperties"]);
  const auto& properties = schema["properties"];
  for (const auto* key : {"sites", "listen", "workers", "tls", "storage", "trusted_proxies",
                          "allowed_fields", "limits", "timeouts", "log"}) {
    ASSERT_TRUE(properties.contains(key)) << key;
    EXPECT_FALSE(properties[key]["description"].get<std::string>().empty()) << key;
  }
  EXPECT_TRUE(properties["sites"]["items"]["properties"].contains("proxy"));
  EXPECT_EQ(properties["log"]["properties"]["format"]["anyOf"][0]["enum"],
            Schema::array({"text", "json"}));
}

}  // namespace
}  // namespace gatehouse::config::schema_test
