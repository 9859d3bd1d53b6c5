#include "http/fields.h"

#include <gtest/gtest.h>

#include "http/message.h"

namespace gatehouse::http::fields_test {
namespace {

TEST(FieldsTest, KeepsOrderAndSpellingAndFindsWithoutCase) {
  Fields fields;
  fields.add("X-One", "1");
  fields.add("x-two", "2");
  fields.add("X-ONE", "3");
  ASSERT_TRUE(fields.has("x-one"));
  EXPECT_EQ(*fields.find("x-one"), "1");
  EXPECT_FALSE(fields.has("X-Three"));
  EXPECT_EQ(fields.count("X-one"), 2u);
  EXPECT_EQ(fields.joined("X-one"), "1, 3");
  EXPECT_EQ((*fields.begin()).name, "X-One");
}

TEST(FieldsTest, SetReplacesAllOfOneName) {
  Fields fields;
  fields.add("A", "1");
  fields.add("B", "2");
  fields.add("a", "3");
  fields.set("A", "4");
  EXPECT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields.joined("a"), "4");
  fields.remove("b");
  EXPECT_EQ(fields.size(), 1u);
}

TEST(FieldsTest, FindsTokensOfLists) {
  Fields fields;
  fields.add("Connection", "keep-alive ,\tUpgrade");
  fields.add("Connection", "x-y");
  EXPECT_TRUE(fields.has_token(FieldName::kConnection, "upgrade"));
  EXPECT_TRUE(fields.has_token(FieldName::kConnection, "X-Y"));
  EXPECT_TRUE(fields.has_token(FieldName::kConnection, "Keep-Alive"));
  EXPECT_FALSE(fields.has_token(FieldName::kConnection, "keep"));
  EXPECT_FALSE(fields.has_token(FieldName::kUpgrade, "upgrade"));
}

TEST(FieldsTest, ClearedMemoryServesTheNextFields) {
  Fields fields;
  const std::string value(100, 'v');
  fields.add("Name", value);
  const auto* memory = (*fields.begin()).name.data();
  fields.clear();
  EXPECT_TRUE(fields.empty());
  fields.add("Other", std::string(90, 'w'));
  EXPECT_EQ((*fields.begin()).name.data(), memory);
  EXPECT_EQ(*fields.find("Other"), std::string(90, 'w'));
}

TEST(FieldsTest, CopiesAreIndependent) {
  Fields fields;
  fields.add("A", "1");
  Fields copy(fields);
  Fields assigned;
  assigned.add("B", "2");
  assigned = fields;
  fields.set("A", "changed");
  EXPECT_EQ(*copy.find("A"), "1");
  EXPECT_EQ(*assigned.find("A"), "1");
  EXPECT_EQ(assigned.count("B"), 0u);
}

TEST(FieldsTest, WhatWouldBreakItsLineIsLeftOut) {
  Fields fields;
  fields.add("A", "1\r\nB: 2");
  fields.add("C\n", "3");
  fields.add("D", std::string_view("4\0", 2));
  fields.add(FieldName::kVia, "1.1 x\ny");
  EXPECT_TRUE(fields.empty());
}

TEST(FieldsTest, AreWrittenLineByLineWithoutThoseOfTheConnection) {
  Fields fields;
  fields.add("Connection", "close");
  fields.add("a", "1");
  fields.add("B", "");
  fields.add("te", "trailers");
  fields.add("C", "3");
  fields.add("D", "4");
  fields.remove("C");
  base::Text text = "> ";
  fields.append_lines(text, kFieldsOfConnection);
  EXPECT_EQ(text, "> a: 1\r\nB: \r\nD: 4\r\n");
}

TEST(FieldsTest, LinesThatCameAreTakenOverAndWrittenAsWeWriteThem) {
  const std::string_view lines = "A: 1\r\nb_c:2\r\nC:  3 \r\nVia: \r\nDate:\r\nD: 4\r\n";
  Fields fields;
  fields.add("Old", "0");
  fields.begin_lines(lines, 6);
  EXPECT_TRUE(fields.empty());
  const auto add = [&](std::string_view name, std::size_t value_at, std::size_t value_size) {
    const auto at = lines.find(name);
    fields.add_line(known_field(name), at, lines.substr(at, name.size()),
                    lines.substr(value_at, value_size));
  };
  add("A", lines.find('1'), 1);
  add("b_c", lines.find('2'), 1);
  add("C", lines.find('3'), 1);
  add("Via", lines.find("Via: ") + 5, 0);
  add("Date", lines.find("Date:") + 5, 0);
  add("D", lines.find('4'), 1);
  EXPECT_EQ(fields.find("b_C"), "2");
  EXPECT_EQ(fields.find(FieldName::kVia), "");
  EXPECT_TRUE(fields.may_be_odd());
  EXPECT_FALSE(fields.has("Old"));
  base::Text text;
  fields.append_lines(text, {});
  EXPECT_EQ(text, "A: 1\r\nb_c: 2\r\nC: 3\r\nVia: \r\nDate: \r\nD: 4\r\n");
}

TEST(FieldsTest, SayWhatSurelyIsNotAmongThem) {
  Fields fields;
  EXPECT_FALSE(fields.may_have({FieldName::kOther, FieldName::kVia}));
  fields.add("via", "1.1 a");
  fields.add("X-Y", "1");
  EXPECT_TRUE(fields.may_have({FieldName::kVia}));
  EXPECT_TRUE(fields.may_have({FieldName::kOther, FieldName::kDate}));
  EXPECT_FALSE(fields.may_have({FieldName::kDate}));
  EXPECT_FALSE(fields.may_be_odd());
  Fields copy;
  copy.assign_if(fields, [](const Field&) { return true; });
  EXPECT_TRUE(copy.may_have({FieldName::kVia}));
  fields.clear();
  EXPECT_FALSE(fields.may_have({FieldName::kVia}));
}

TEST(FieldsTest, SomeOfAnotherListAreTakenOverAsTheyAre) {
  Fields from;
  from.add("A", "1");
  from.add("Host", "x");
  from.add("b_c", "2");
  from.add("Ab.c", "3");
  Fields to;
  to.add("Old", "0");
  to.assign_if(from, [](const Field& field) { return field.known != FieldName::kHost; });
  from.clear();
  EXPECT_EQ(to.size(), 3u);
  EXPECT_EQ(to.find("a"), "1");
  EXPECT_FALSE(to.has("Old"));
  EXPECT_FALSE(to.has("Host"));
  to.remove_if([](const Field& field) { return field.odd; });
  EXPECT_EQ(to.size(), 1u);
}

TEST(FieldsTest, ManyAndLongOnesKeepTheirTexts) {
  Fields fields;
  for (int i = 0; i < 300; ++i) {
    fields.add("X-" + std::to_string(i), std::string(static_cast<std::size_t>(i), 'v'));
  }
  fields.add(std::string(70'000, 'n'), std::string(70'000, 'w'));
  for (int i = 0; i < 300; ++i) {
    const auto value = fields.find("x-" + std::to_string(i));
    ASSERT_TRUE(value);
    EXPECT_EQ(*value, std::string(static_cast<std::size_t>(i), 'v'));
  }
  EXPECT_EQ(fields.find(std::string(70'000, 'N')), std::string(70'000, 'w'));
  fields.release();
  EXPECT_TRUE(fields.empty());
  EXPECT_EQ(fields.begin(), fields.end());
}

TEST(MessageTest, ReadsHostPathAndQuery) {
  RequestHead head;
  head.authority = "example.com:8443";
  head.target = "/a/b?c=d?e";
  EXPECT_EQ(head.host(), "example.com");
  EXPECT_EQ(head.path(), "/a/b");
  EXPECT_EQ(head.query(), "c=d?e");
  head.authority = "[2001:db8::1]:80";
  head.target = "/";
  EXPECT_EQ(head.host(), "2001:db8::1");
  EXPECT_EQ(head.query(), "");
}

TEST(MessageTest, KnowsReasonPhrases) {
  EXPECT_EQ(reason_phrase(200), "OK");
  EXPECT_EQ(reason_phrase(404), "Not Found");
  EXPECT_EQ(reason_phrase(504), "Gateway Timeout");
  EXPECT_EQ(reason_phrase(599), "Unknown");
}

}  // namespace
}  // namespace gatehouse::http::fields_test
