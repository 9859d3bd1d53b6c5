#include "proxy/embedded_default.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "config/load.h"

namespace gatehouse::proxy::embedded_default_test {
namespace {

using ::testing::HasSubstr;

TEST(EmbeddedDefault, IsAConfigurationLikeAnyOther) {
  const auto loaded = config::load(embedded_default(4711), config::process_environment);
  ASSERT_TRUE(loaded) << config::render("embedded default", loaded.error());
  ASSERT_EQ(loaded->sites.size(), 1u);
  EXPECT_TRUE(loaded->sites[0].tls.on_demand);
  const auto* proxy = std::get_if<config::Proxy>(&loaded->sites[0].routes.at(0).action);
  ASSERT_NE(proxy, nullptr);
  EXPECT_EQ(proxy->servers.at(0).port, 4711);
}

TEST(EmbeddedDefault, TheLineToTryIsOneWordForTheShell) {
  EXPECT_THAT(trial_hint("/var/lib/gatehouse/internal-root.pem"),
              HasSubstr("curl --cacert /var/lib/gatehouse/internal-root.pem https://hello."));
  EXPECT_THAT(trial_hint("/home/o'neil/my data/root.pem"),
              HasSubstr(R"(curl --cacert '/home/o'\''neil/my data/root.pem' https://hello.)"));
}

}  // namespace
}  // namespace gatehouse::proxy::embedded_default_test
