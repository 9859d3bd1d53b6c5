#include "tls/pem.h"

#include <gtest/gtest.h>

namespace gatehouse::tls::pem_test {
namespace {

using base::Code;

TEST(Pem, WritesAndReadsBlocks) {
  for (const std::size_t size : {1u, 47u, 48u, 49u, 500u}) {
    const std::string der(size, '\xa5');
    const auto text = pem_block("THING", der);
    auto blocks = pem_blocks(text, "THING", 1);
    ASSERT_TRUE(blocks) << size;
    EXPECT_EQ(blocks->front(), der);
  }
  EXPECT_EQ(pem_block("A", "abc"), "-----BEGIN A-----\nYWJj\n-----END A-----\n");
}

TEST(Pem, BreaksLinesAt64) {
  const auto text = pem_block("A", std::string(49, 'x'));
  EXPECT_NE(text.find("eHh4eHh4\neA==\n"), std::string::npos) << text;
}

TEST(Pem, PassesOverWhatStandsBetween) {
  const auto text = "Subject: somebody\r\n" + pem_block("KEY", "no") + pem_block("A", "one") +
                    "\n# a remark\n" + pem_block("A", "two") + "tail";
  auto blocks = pem_blocks(text, "A", 2);
  ASSERT_TRUE(blocks);
  EXPECT_EQ(*blocks, (std::vector<std::string>{"one", "two"}));
}

TEST(Pem, TakesWindowsLineEnds) {
  EXPECT_EQ(pem_blocks("-----BEGIN A-----\r\nYW\r\nJj\r\n-----END A-----\r\n", "A", 1)->front(),
            "abc");
}

TEST(Pem, SaysWhatIsWrong) {
  const std::pair<const char*, const char*> cases[] = {
      {"", "no PEM block of A"},
      {"-----BEGIN B-----\nYWJj\n-----END B-----\n", "no PEM block of A"},
      {"-----BEGIN A-----\nYWJj\n", "has no end"},
      {"-----BEGIN A-----\nYWJj\n-----END B-----\n", "has no end"},
      {"-----BEGIN A-----\n-----END A-----\n", "no base64"},
      {"-----BEGIN A-----\nYW!j\n-----END A-----\n", "no base64"},
      {"-----BEGIN A-----\nYWJ\n-----END A-----\n", "no base64"},
      {"-----BEGIN A-----\nYW==JJ==\n-----END A-----\n", "no base64"},
  };
  for (const auto& [text, what] : cases) {
    auto blocks = pem_blocks(text, "A", 1);
    ASSERT_FALSE(blocks) << text;
    EXPECT_EQ(blocks.error().code, Code::kMalformed) << text;
    EXPECT_NE(blocks.error().detail.find(what), std::string::npos) << blocks.error().detail;
  }
}

TEST(Pem, HasBounds) {
  const auto block = pem_block("A", "x");
  EXPECT_EQ(pem_blocks(block + block, "A", 1).error().code, Code::kTooLarge);
  EXPECT_TRUE(pem_blocks(block + std::string(kMostPem - block.size(), ' '), "A", 1));
  EXPECT_EQ(pem_blocks(block + std::string(kMostPem, ' '), "A", 1).error().code, Code::kTooLarge);
}

}  // namespace
}  // namespace gatehouse::tls::pem_test
