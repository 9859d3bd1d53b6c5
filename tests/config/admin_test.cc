#include <gtest/gtest.h>

#include "config/load.h"

namespace gatehouse::config::admin_test {
namespace {

// What is read of `more` beside a site.
std::expected<Config, std::vector<ConfigError>> read(const std::string& more) {
  const auto nothing = [](const char*) -> const char* { return nullptr; };
  return load(R"({"sites": [{"hosts": ["a.example"], "respond": {}}])" + more + "}", nothing);
}

std::string errors(const std::string& more) {
  const auto loaded = read(more);
  return loaded ? "no error" : render("F", loaded.error());
}

TEST(AdminKey, SaysWhereItListensAndWhetherThatWasWritten) {
  const auto unsaid = read("");
  EXPECT_TRUE(unsaid->admin.enabled);
  EXPECT_FALSE(unsaid->admin.written);
  EXPECT_EQ(unsaid->admin.listen.text(), "127.0.0.1:2019");
  EXPECT_FALSE(read(R"(, "admin": {})")->admin.written);
  EXPECT_FALSE(read(R"(, "admin": false)")->admin.enabled);
  const auto file = read(R"(, "admin": {"listen": "unix:/run/a"})");
  ASSERT_TRUE(file) << render("F", file.error());
  EXPECT_TRUE(file->admin.written);
  EXPECT_EQ(file->admin.listen.text(), "unix:/run/a");
  EXPECT_EQ(read(R"(, "admin": {"listen": ":1"})")->admin.listen.text(), ":1");
}

TEST(AdminKey, IsAnErrorWhenItSaysAnythingElse) {
  EXPECT_EQ(errors(R"(, "admin": true)"),
            "F:1: /admin: expected {\"listen\": ADDRESS} or false, found true\n");
  EXPECT_EQ(errors(R"(, "admin": {"listen": ":1"}, "listen": {"http": [":1"]})"),
            "F:1: /admin/listen: the address :1 is a listener's already\n");
}

}  // namespace
}  // namespace gatehouse::config::admin_test
