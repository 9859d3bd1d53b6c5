#include "certs/name_pattern.h"

#include <gtest/gtest.h>

namespace gatehouse::certs::name_pattern_test {
namespace {

TEST(NamePattern, CoversTheNameItself) {
  EXPECT_TRUE(allows("a.example", "a.example"));
  EXPECT_FALSE(allows("a.example", "b.a.example"));
  EXPECT_FALSE(allows("a.example", "xa.example"));
}

TEST(NamePattern, AStarIsEverythingBelow) {
  EXPECT_TRUE(allows("*.example", "a.example"));
  EXPECT_TRUE(allows("*.example", "b.a.example"));
  EXPECT_FALSE(allows("*.example", "example"));
  EXPECT_FALSE(allows("*.example", "aexample"));
  EXPECT_FALSE(allows("*.example", ".example"));
  EXPECT_FALSE(allows("*.a.example", "b.example"));
}

TEST(NamePattern, AStarAloneIsAnyName) { EXPECT_TRUE(allows("*", "a.b.c.example")); }

TEST(NamePattern, TheParentSuffixIsWhatFollowsTheFirstLabel) {
  EXPECT_EQ(parent_suffix("a.b.example"), ".b.example");
  EXPECT_EQ(parent_suffix("localhost"), "");
  EXPECT_EQ(parent_suffix(".example"), "");
}

}  // namespace
}  // namespace gatehouse::certs::name_pattern_test
