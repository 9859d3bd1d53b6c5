#include "proxy/forwarded.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace gatehouse::proxy::forwarded_test {
namespace {

using ::testing::ElementsAre;

// "node|proto|host" of each element; the last is "cut" when the list is not whole.
std::vector<std::string> read(const std::vector<std::string>& values) {
  http::Fields fields;
  for (const auto& value : values) fields.add("Forwarded", value);
  const auto list = read_forwarded(fields);
  std::vector<std::string> all;
  for (const auto& one : list.elements) {
    all.push_back(one.node + "|" + one.proto + "|" + one.host);
  }
  if (!list.is_whole) all.push_back("cut");
  return all;
}

TEST(Forwarded, IsReadAsItsGrammarSays) {
  EXPECT_THAT(read({"for=192.0.2.43, For=\"[2001:db8:cafe::17]\""}),
              ElementsAre("192.0.2.43||", "[2001:db8:cafe::17]||"));
  EXPECT_THAT(read({"for=192.0.2.60;PROTO=HTTPS;by=203.0.113.43 ;host=\"a.example:8443\""}),
              ElementsAre("192.0.2.60|https|a.example:8443"));
  EXPECT_THAT(read({"for=\"_a\\\"b\"", "for=unknown;secret=x"}),
              ElementsAre("_a\"b||", "unknown||"));
  EXPECT_THAT(read({"for=\"1.2.3.4, for=5.6.7.8\""}), ElementsAre("1.2.3.4, for=5.6.7.8||"));
  EXPECT_THAT(read({}), ElementsAre());
}

TEST(Forwarded, NothingIsTakenFromLeftOfWhatBreaksTheGrammar) {
  for (const auto* broken :
       {"for=\"1.2.3.4", "for=", "for", "for=1.2.3.4 x", "for=[::1]", "for=1.2.3.4;for=5.6.7.8",
        "for=a\"b\"", "for = 1.2.3.4", "for=\"\\"}) {
    EXPECT_THAT(read({"for=9.9.9.9", broken, "for=192.0.2.1"}), ElementsAre("192.0.2.1||", "cut"))
        << broken;
  }
}

TEST(Forwarded, AnElementIsQuotedWhereItMust) {
  EXPECT_EQ(forwarded_element("192.0.2.1", "http", ""), "for=192.0.2.1;proto=http");
  EXPECT_EQ(forwarded_element("2001:db8::1", "https", "a.example:8443"),
            "for=\"[2001:db8::1]\";host=\"a.example:8443\";proto=https");
}

TEST(ForwardedNode, IsAnAddressWithOrWithoutAPort) {
  for (const auto* node : {"192.0.2.1", "192.0.2.1:80", "::ffff:192.0.2.1"}) {
    const auto address = address_of_node(node);
    ASSERT_TRUE(address) << node;
    EXPECT_EQ(address->host(), "192.0.2.1") << node;
  }
  for (const auto* node : {"2001:db8::1", "[2001:db8::1]", "[2001:DB8:0::1]:4711"}) {
    const auto address = address_of_node(node);
    ASSERT_TRUE(address) << node;
    EXPECT_EQ(address->host(), "2001:db8::1") << node;
  }
  for (const auto* node :
       {"", "unknown", "_hidden", "192.0.2.1:", "192.0.2.1:x", "192.0.2.1:123456", "[::1",
        "[::1]80", "[192.0.2.1]", "a.example", "fe80::1%lo", "1.2.3.4 "}) {
    EXPECT_FALSE(address_of_node(node)) << node;
  }
}

TEST(ListParts, AreWithoutBlanksAndEmptyOnes) {
  EXPECT_THAT(list_parts(" a,b ,, \tc d\t,"), ElementsAre("a", "b", "c d"));
  EXPECT_THAT(list_parts(""), ElementsAre());
  EXPECT_THAT(list_parts(" , "), ElementsAre());
}

}  // namespace
}  // namespace gatehouse::proxy::forwarded_test
