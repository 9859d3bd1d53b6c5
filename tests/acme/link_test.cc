#include "acme/link.h"

#include <gmock/gmock.h>

namespace gatehouse::acme::link_test {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

std::vector<std::string> alternates(std::string_view value) {
  return link_targets(value, "alternate");
}

TEST(Link, FindsTheTargetsOfARelation) {
  EXPECT_THAT(
      alternates(R"(<https://ca.test/dir>;rel="index", <https://ca.test/1/1>;rel="alternate",
                            </1/2> ; rel = alternate)"
                 " , <https://ca.test/up>;rel=\"up\""),
      ElementsAre("https://ca.test/1/1"));
  EXPECT_THAT(alternates("<https://ca.test/dir>;rel=\"index\", </1/2> ; rel = alternate,</1/3>;"
                         "title=\"a, b; c\";rel=\"next Alternate\""),
              ElementsAre("/1/2", "/1/3"));
}

TEST(Link, CountsTheFirstRelAlone) {
  EXPECT_THAT(alternates("</1>;rel=\"index\";rel=\"alternate\""), IsEmpty());
}

TEST(Link, SurvivesAnything) {
  for (const char* value :
       {"", ",", "<", "<>", "<x", "x", "</1>", "</1>;", "</1>;rel", "</1>;rel=", "</1>;rel=\"",
        "</1>;rel=\"alternat", "</1>;;;", "</1>=,=<,>", "</1> rel=alternate"}) {
    EXPECT_THAT(alternates(value), IsEmpty()) << value;
  }
  std::string many;
  for (std::size_t i = 0; i < 10 * kLinks; ++i) many += "</1>;rel=alternate,";
  EXPECT_EQ(alternates(many).size(), kLinks);
}

}  // namespace
}  // namespace gatehouse::acme::link_test
