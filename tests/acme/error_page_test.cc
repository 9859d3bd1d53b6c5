// docs/acme-errors.md says what acme/problem_types.cc does.
#include <gtest/gtest.h>

#include <fstream>
#include <sstream>

#include "acme/problem_types.h"

namespace gatehouse::acme::error_page_test {
namespace {

std::string page() {
  std::ifstream file(GATEHOUSE_ROOT "/docs/acme-errors.md");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

// What is tried, in the page's words.
std::string tried(const Handling& handling) {
  std::string out;
  const auto add = [&](bool holds, const char* words) {
    if (holds) out += (out.empty() ? "" : "; ") + std::string(words);
  };
  add(handling.other_challenge && !handling.whole_ca, "another challenge");
  add(handling.other_issuer, "the next issuer");
  add(handling.whole_ca, "the CA is spared for a while");
  add(handling.retry, "again");
  add(handling.lasting, "again, though slowly");
  return out;
}

std::string row(const ProblemType& type) {
  std::string advice(type.advice.empty() ? "nothing" : type.advice);
  std::string out = "| `" + std::string(type.token) + "` | " + std::string(type.meaning) + " | " +
                    tried(type.handling) + " | " + advice + " |\n";
  for (std::size_t at = 0; (at = out.find('"', at)) != std::string::npos;) out[at] = '`';
  return out;
}

TEST(ErrorPage, IsTheTable) {
  std::string table;
  for (const ProblemType& type : problem_types()) table += row(type);
  const std::string text = page();
  const std::string head = "| --- | --- | --- | --- |\n";
  const std::size_t from = text.find(head);
  ASSERT_NE(from, std::string::npos) << "docs/acme-errors.md has no table";
  const std::size_t to = std::min(text.find("\n\n", from), text.size());
  EXPECT_EQ(text.substr(from + head.size(), to + 1 - from - head.size()), table)
      << "docs/acme-errors.md must have this table:\n"
      << table;
}

TEST(ProblemTypes, EachThatLastsTellsSomebodyWhatToDo) {
  for (const ProblemType& type : problem_types()) {
    EXPECT_FALSE(type.meaning.empty()) << type.token;
    EXPECT_EQ(find_problem_type(type.token), &type);
    const bool of_revocation = type.token.find("Revo") != std::string_view::npos;
    if (type.handling.lasting && !of_revocation) {
      EXPECT_FALSE(type.advice.empty()) << type.token;
    }
    EXPECT_NE(type.handling.retry, type.handling.lasting) << type.token;
  }
}

}  // namespace
}  // namespace gatehouse::acme::error_page_test
