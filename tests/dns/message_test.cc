#include "dns/message.h"

#include <gmock/gmock.h>

#include "tests/dns/fake_server.h"

namespace gatehouse::dns::message_test {
namespace {

using ::testing::HasSubstr;

constexpr std::string_view kId("\x12\x34", 2);

std::string answer(std::vector<FakeRecord> records) {
  return make_answer(kId, "a.example", Type::kTxt, 0, records);
}

TEST(DnsMessage, AsksOneQuestion) {
  const auto query = make_query(0x1234, "A.example.", Type::kTxt, true);
  ASSERT_TRUE(query);
  EXPECT_EQ(*query, std::string("\x12\x34\x01\0\0\1\0\0\0\0\0\0\1a\7example\0\0\x10\0\1", 27));
  EXPECT_EQ((*make_query(1, "a", Type::kA, false))[2], '\0');
}

TEST(DnsMessage, RefusesWhatIsNoName) {
  EXPECT_FALSE(make_query(1, std::string(64, 'a') + ".example", Type::kA, true));
  EXPECT_FALSE(make_query(1, "a..example", Type::kA, true));
  EXPECT_FALSE(make_query(1, std::string_view("a\0b", 3), Type::kA, true));
  std::string longest;
  for (int i = 0; i < 150; ++i) longest += "a.";
  EXPECT_FALSE(make_query(1, longest + "example", Type::kA, true));
}

TEST(DnsMessage, ReadsEachTypeThatWeAskFor) {
  const auto read =
      read_answer(answer({{"a.example", Type::kA, ip_data("192.0.2.7")},
                          {"a.example", Type::kAaaa, std::string(15, '\0') + "\1"},
                          {"A.Example", Type::kCname, name_data("B.example")},
                          {"a.example", Type::kNs, name_data("ns.example")},
                          {"a.example", Type::kTxt, text_data("first ") + text_data("second")}}),
                  0x1234, "a.example", Type::kTxt);
  ASSERT_TRUE(read) << read.error().detail;
  std::vector<std::string> values;
  for (const Record& record : read->answers) {
    values.push_back(record.value);
    EXPECT_EQ(record.name, "a.example");
  }
  EXPECT_THAT(values, ::testing::ElementsAre("192.0.2.7", "::1", "b.example", "ns.example",
                                             "first second"));
}

TEST(DnsMessage, FollowsCompressedNames) {
  std::string message = answer({{"a.example", Type::kCname, name_data("x")}});
  // The owner's name becomes a pointer to the question's.
  message.replace(27, name_data("a.example").size(), "\xc0\x0c");
  const auto read = read_answer(message, 0x1234, "a.example", Type::kTxt);
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->answers[0].name, "a.example");
  EXPECT_EQ(read->answers[0].value, "x");
}

TEST(DnsMessage, TakesOnlyTheAnswerToItsOwnQuestion) {
  const std::string message = answer({});
  EXPECT_TRUE(read_answer(message, 0x1234, "A.EXAMPLE", Type::kTxt));
  EXPECT_FALSE(read_answer(message, 0x1235, "a.example", Type::kTxt));
  EXPECT_FALSE(read_answer(message, 0x1234, "b.example", Type::kTxt));
  EXPECT_FALSE(read_answer(message, 0x1234, "a.example", Type::kA));
  EXPECT_FALSE(read_answer(*make_query(0x1234, "a.example", Type::kTxt, true), 0x1234, "a.example",
                           Type::kTxt));
}

TEST(DnsMessage, RefusesWhatIsCutShort) {
  const std::string whole = answer({{"a.example", Type::kA, ip_data("192.0.2.7")},
                                    {"a.example", Type::kTxt, text_data("value")}});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    EXPECT_FALSE(read_answer(whole.substr(0, size), 0x1234, "a.example", Type::kTxt)) << size;
  }
  EXPECT_FALSE(
      read_answer(answer({{"a.example", Type::kA, "abc"}}), 0x1234, "a.example", Type::kTxt));
}

TEST(DnsMessage, NamesAreComparedWithoutCaseAndFinalDot) {
  EXPECT_EQ(plain_name("A.Example."), "a.example");
  EXPECT_EQ(plain_name("a\\."), "a\\.");
  EXPECT_EQ(plain_name(""), "");
}

}  // namespace
}  // namespace gatehouse::dns::message_test
