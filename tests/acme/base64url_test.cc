#include "acme/base64url.h"

#include <gtest/gtest.h>

namespace gatehouse::acme::base64url_test {
namespace {

TEST(Base64Url, EncodesTheVectorsOfRfc4648WithoutPadding) {
  EXPECT_EQ(base64url(""), "");
  EXPECT_EQ(base64url("f"), "Zg");
  EXPECT_EQ(base64url("fo"), "Zm8");
  EXPECT_EQ(base64url("foo"), "Zm9v");
  EXPECT_EQ(base64url("foob"), "Zm9vYg");
  EXPECT_EQ(base64url("fooba"), "Zm9vYmE");
  EXPECT_EQ(base64url("foobar"), "Zm9vYmFy");
  EXPECT_EQ(base64url("\xfb\xff\xbf"), "-_-_");
}

TEST(Base64Url, DecodesWhatItEncodes) {
  std::string bytes;
  for (int i = 0; i < 300; ++i) {
    bytes.push_back(static_cast<char>(i * 7));
    EXPECT_EQ(decode_base64(base64url(bytes)), bytes);
  }
}

TEST(Base64Url, TakesEveryFormInWhichKeysAreHandedOut) {
  EXPECT_EQ(decode_base64("-_-_"), "\xfb\xff\xbf");
  EXPECT_EQ(decode_base64("+/+/"), "\xfb\xff\xbf");
  EXPECT_EQ(decode_base64("Zg=="), "f");
  EXPECT_EQ(decode_base64("Zm8="), "fo");
  EXPECT_EQ(decode_base64(" Zm9v\r\n"), "foo");
  EXPECT_EQ(decode_base64("\n"), "");
}

TEST(Base64Url, RefusesWhatIsNoBase64) {
  for (const char* text : {"Z", "Zm9vY", "Zg===", "Z=g", "Zm 9v", "Zm9v!", "="}) {
    EXPECT_EQ(decode_base64(text), std::nullopt) << text;
  }
}

TEST(Base64Url, KnowsTokensByTheirCharacters) {
  EXPECT_TRUE(is_base64url("abcXYZ019-_", 11));
  EXPECT_FALSE(is_base64url("abcXYZ019-_", 10));
  EXPECT_FALSE(is_base64url("", 10));
  EXPECT_FALSE(is_base64url("../x", 10));
  EXPECT_FALSE(is_base64url("a=", 10));
}

}  // namespace
}  // namespace gatehouse::acme::base64url_test
