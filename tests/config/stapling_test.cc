#include <gtest/gtest.h>

#include "config/load.h"

namespace gatehouse::config::stapling_test {
namespace {

bool staples(const std::string& tls) {
  const auto nothing = [](const char*) -> const char* { return nullptr; };
  return load(R"({"sites": [{"hosts": ["a.example"], "respond": {}}], "tls": )" + tls + "}",
              nothing)
      ->tls.ocsp_stapling;
}

TEST(StaplingKey, TurnsOffWhatIsOnByItself) {
  EXPECT_TRUE(staples("{}"));
  EXPECT_FALSE(staples(R"({"ocsp_stapling": false})"));
}

}  // namespace
}  // namespace gatehouse::config::stapling_test
