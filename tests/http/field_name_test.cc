#include "http/field_name.h"

#include <gtest/gtest.h>

#include <string>

#include "http/fields.h"

namespace gatehouse::http::field_name_test {
namespace {

constexpr auto kLast = static_cast<unsigned>(FieldName::kXRequestId);

std::string with_case_turned(std::string_view text) {
  std::string out(text);
  for (auto& c : out) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    if (letter) c = static_cast<char>(c ^ 0x20);
  }
  return out;
}

TEST(FieldNameTest, EachIsFoundHoweverItIsWritten) {
  for (unsigned i = 1; i <= kLast; ++i) {
    const auto name = static_cast<FieldName>(i);
    EXPECT_EQ(known_field(spelling(name)), name) << spelling(name);
    EXPECT_EQ(known_field(with_case_turned(spelling(name))), name) << spelling(name);
  }
}

TEST(FieldNameTest, NearlyOneIsAnother) {
  for (unsigned i = 1; i <= kLast; ++i) {
    const std::string name(spelling(static_cast<FieldName>(i)));
    EXPECT_EQ(known_field(name + "x"), FieldName::kOther) << name;
    EXPECT_EQ(known_field(name.substr(1)), FieldName::kOther) << name;
    for (std::size_t at = 0; at < name.size(); ++at) {
      auto other = name;
      other[at] = '~';
      EXPECT_EQ(known_field(other), FieldName::kOther) << other;
      // What differs in the bit that tells large letters from small ones, and is no letter.
      if (name[at] != '-') continue;
      other[at] = '\r';
      EXPECT_EQ(known_field(other), FieldName::kOther) << name;
    }
  }
  EXPECT_EQ(known_field(""), FieldName::kOther);
}

TEST(FieldNameTest, NamesAreEqualWithoutCaseOfLettersAlone) {
  EXPECT_TRUE(equal_names("content-length", "CONTENT-LENGTH"));
  EXPECT_TRUE(equal_names("A", "a"));
  EXPECT_TRUE(equal_names("", ""));
  EXPECT_FALSE(equal_names("x-name-[", "x-name-{"));
  EXPECT_FALSE(equal_names("x-name-@", "x-name-`"));
  EXPECT_FALSE(equal_names("x-name^one", "x-name~one"));
  EXPECT_FALSE(equal_names("x_name_one", "x\x7fname\x7fone"));
  EXPECT_FALSE(equal_names("\xc1-name-one", "\xe1-name-one")) << "no ASCII";
  // Longer than eight bytes, and different at each place.
  const std::string name = "x-quite-a-long-name";
  for (std::size_t at = 0; at < name.size(); ++at) {
    auto other = name;
    other[at] = '0';
    EXPECT_FALSE(equal_names(name, other)) << other;
  }
}

}  // namespace
}  // namespace gatehouse::http::field_name_test
