#include "base/log.h"

#include <gtest/gtest.h>

#include <regex>
#include <thread>
#include <vector>

namespace gatehouse::base::log::log_test {
namespace {

std::string json(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

TEST(JsonString, EscapesQuotesAndControls) {
  EXPECT_EQ(json("plain"), R"("plain")");
  EXPECT_EQ(json("a\"b\\c"), R"("a\"b\\c")");
  EXPECT_EQ(json(std::string_view("\n\r\t\0\x1b\x7f", 6)),
            "\"\\u000a\\u000d\\u0009\\u0000\\u001b\\u007f\"");
}

TEST(JsonString, KeepsWellFormedUtf8) {
  EXPECT_EQ(json("gr\xc3\xbc\xc3\x9f"), "\"gr\xc3\xbc\xc3\x9f\"");
  EXPECT_EQ(json("\xe2\x82\xac \xf0\x9f\x98\x80"), "\"\xe2\x82\xac \xf0\x9f\x98\x80\"");
}

TEST(JsonString, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(json("\xff"), R"("\ufffd")");
  EXPECT_EQ(json("\xc3"), R"("\ufffd")") << "cut short";
  EXPECT_EQ(json("\xc0\xaf"), R"("\ufffd\ufffd")") << "overlong";
  EXPECT_EQ(json("\xed\xa0\x80"), R"("\ufffd\ufffd\ufffd")") << "a surrogate";
  EXPECT_EQ(json("\xf4\x90\x80\x80"), R"("\ufffd\ufffd\ufffd\ufffd")") << "above U+10FFFF";
}

// What reaches standard error while `act` runs.
template <class Act>
std::string logged(Level level, Format format, Act act) {
  testing::internal::CaptureStderr();
  configure(level, format);
  act();
  flush_and_stop();
  auto text = testing::internal::GetCapturedStderr();
  configure(Level::kInfo, Format::kText);
  flush_and_stop();
  return text;
}

TEST(Log, WritesOneJsonObjectALine) {
  const auto text = logged(Level::kInfo, Format::kJson,
                           [] { info("it happened", {{"name", "a\nb"}, {"count", 3}}); });
  EXPECT_EQ(text.find("{\"time\":\""), 0u);
  EXPECT_NE(text.find("\"level\":\"info\",\"message\":\"it happened\",\"name\":\"a\\u000ab\","
                      "\"count\":3}\n"),
            std::string::npos)
      << text;
}

TEST(Log, QuotesTextValuesThatCouldBreakALine) {
  const auto text = logged(Level::kInfo, Format::kText, [] {
    warn("odd", {{"plain", "a.example"}, {"bad", "x\ny"}, {"escape", "\x1b[31m"}, {"empty", ""}});
  });
  EXPECT_NE(text.find("warn  odd plain=a.example bad=\"x\\u000ay\" escape=\"\\u001b[31m\" "
                      "empty=\"\"\n"),
            std::string::npos)
      << text;
}

TEST(Log, LeavesOutLowerLevels) {
  const auto text = logged(Level::kWarn, Format::kText, [] {
    EXPECT_FALSE(enabled(Level::kInfo));
    info("quiet");
    error("loud");
  });
  EXPECT_EQ(text.find("quiet"), std::string::npos);
  EXPECT_NE(text.find("loud"), std::string::npos);
}

TEST(Log, AFloodOfOneKindLeavesACountAndTheOtherLines) {
  const auto text = logged(Level::kInfo, Format::kText, [] {
    for (int i = 0; i < 1000; ++i) warn("flood", {{"i", i}});
    for (int i = 0; i < 50; ++i) info("what we did");
    error("beside it");
  });
  const std::regex told("warn  (flood i=|lines were left out: .*kind=flood count=(\\d+)\n)");
  unsigned count = 0;
  for (std::sregex_iterator at(text.begin(), text.end(), told), end; at != end; ++at) {
    count += (*at)[2].matched ? std::stoul((*at)[2]) : 1;
  }
  EXPECT_EQ(count, 1000u) << text;
  EXPECT_LT(std::count(text.begin(), text.end(), '\n'), 150) << "though the second may change";
  EXPECT_NE(text.find("error beside it"), std::string::npos);
  EXPECT_NE(text.find("what we did"), std::string::npos);
}

TEST(Log, TakesLinesFromManyThreads) {
  const auto text = logged(Level::kInfo, Format::kText, [] {
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i) {
      threads.emplace_back([] {
        for (int k = 0; k < 50; ++k) info("line", {{"k", k}});
      });
    }
  });
  EXPECT_EQ(std::count(text.begin(), text.end(), '\n'), 200);
}

}  // namespace
}  // namespace gatehouse::base::log::log_test
