#include <gtest/gtest.h>

#include "config/load.h"

namespace gatehouse::config::external_account_test {
namespace {

// What is wrong with such a MAC key; empty: nothing.
std::string wrong(const std::string& key) {
  const auto nothing = [](const char*) -> const char* { return nullptr; };
  const auto loaded = load(R"({"sites": [{"hosts": ["a.example"], "respond": {}}],
      "tls": {"issuers": [{"acme": {"eab": {"key_id": "k", "hmac_key": ")" +
                               key + R"("}}}]}})",
                           nothing);
  return loaded ? "" : loaded.error().front().message;
}

TEST(MacKey, IsBase64InEitherAlphabetPaddedOrNot) {
  EXPECT_EQ(wrong("c2Vj-_cmV0"), "");
  EXPECT_EQ(wrong("c2Vj+/cmV0=="), "");
  const std::string why = wrong("!!!not base64");
  EXPECT_NE(why.find("is base64url, as the CA gives it"), std::string::npos) << why;
  EXPECT_EQ(why.find("!!!"), std::string::npos) << "a secret is not repeated";
}

}  // namespace
}  // namespace gatehouse::config::external_account_test
