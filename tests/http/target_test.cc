#include "http/target.h"

#include <gtest/gtest.h>

#include "http/url.h"

namespace gatehouse::http::target_test {
namespace {

std::string path(std::string_view raw) {
  base::Text out;
  return normalise_path(raw, out) ? std::string(out) : "refused";
}

std::string authority(std::string_view raw) {
  base::Text out;
  return normalise_authority(raw, out) ? std::string(out) : "refused";
}

TEST(PathTest, PlainPathsStayAsTheyAre) {
  for (const char* same : {"/", "/a", "/a/", "/a/b.c", "//a//b", "/a;x=1/b", "/...", "/.a", "/a.",
                           "/a:b@c!$&'()*+,=~_-", "/{a}|b^c`", "/a%2Fb", "/%E2%82%AC"}) {
    EXPECT_EQ(path(same), same);
  }
}

TEST(PathTest, DecodesUnreservedAndWritesEscapesOneWay) {
  EXPECT_EQ(path("/%61%7e%2D"), "/a~-");
  EXPECT_EQ(path("/a%2fb%c3%a4"), "/a%2Fb%C3%A4");
  EXPECT_EQ(path("/%2561"), "/%2561");
}

TEST(PathTest, RemovesDotSegments) {
  EXPECT_EQ(path("/a/./b"), "/a/b");
  EXPECT_EQ(path("/a/../b"), "/b");
  EXPECT_EQ(path("/a/b/.."), "/a/");
  EXPECT_EQ(path("/a/b/../"), "/a/");
  EXPECT_EQ(path("/a/."), "/a/");
  EXPECT_EQ(path("/a/.."), "/");
  EXPECT_EQ(path("/."), "/");
  EXPECT_EQ(path("/a/%2e%2E/b"), "/b");
  EXPECT_EQ(path("/a//../b"), "/a/b");
}

TEST(PathTest, RefusesWhatAnotherServerMightWalkDifferently) {
  for (const char* bad :
       {"",          "a",           "/..",         "/../a",     "/a/../../b", "/a/%2e%2e/%2e%2e",
        "/a/..%2fb", "/a/..%5Cb",   "/a%2f..%2fb", "/a%2f..",   "/a/..;/b",   "/a/..;x",
        "/a/.;x/b",  "/a/..%3bx/b", "/..%2f",      "/a\\..\\b", "/%00",       "/a%00b",
        "/%",        "/%4",         "/%4g",        "/%g4",      "/a b",       "/a\tb",
        "/a?b",      "/a#b",        "/a\"",        "/<",        "/>",         "/\x7f",
        "/\x80",     "/\x01"}) {
    EXPECT_EQ(path(bad), "refused") << bad;
  }
  EXPECT_EQ(path("/a;x=../b"), "/a;x=../b");
}

TEST(AuthorityTest, NamesOfEveryLengthStayAsLongAsTheyAre) {
  for (std::size_t size = 1; size <= 200; ++size) {
    const std::string name(size, 'a');
    base::Text out = "an older one";
    ASSERT_TRUE(normalise_authority(name, out));
    EXPECT_EQ(std::string(out), name);
    out = base::Text();
    ASSERT_TRUE(normalise_authority(name + ":81", out));
    EXPECT_EQ(std::string(out), name + ":81");
  }
}

TEST(AuthorityTest, NormalisesCaseDotAndPort) {
  EXPECT_EQ(authority("Example.COM"), "example.com");
  EXPECT_EQ(authority("example.com."), "example.com");
  EXPECT_EQ(authority("example.com.:00443"), "example.com:443");
  EXPECT_EQ(authority("example.com:"), "example.com");
  EXPECT_EQ(authority("a_b-c.d"), "a_b-c.d");
  EXPECT_EQ(authority("127.0.0.1:80"), "127.0.0.1:80");
  EXPECT_EQ(authority("[2001:DB8::1]"), "[2001:db8::1]");
  EXPECT_EQ(authority("[::1]:8443"), "[::1]:8443");
}

TEST(AuthorityTest, RefusesWhatIsNoHost) {
  const std::string long_name(256, 'a');
  for (const std::string& bad : {std::string(),
                                 std::string("."),
                                 std::string("a..b"),
                                 std::string("a.."),
                                 std::string("a..:80"),
                                 std::string(".a"),
                                 std::string("a b"),
                                 std::string("a,b"),
                                 std::string("u@a"),
                                 std::string("a/b"),
                                 std::string("a:0"),
                                 std::string("a:65536"),
                                 std::string("a:80:80"),
                                 std::string("a:8o"),
                                 std::string(":80"),
                                 std::string("[::1"),
                                 std::string("[]"),
                                 std::string("[127.0.0.1]"),
                                 std::string("[::1]x"),
                                 std::string("[::1%eth0]"),
                                 std::string("::1"),
                                 std::string("a%41"),
                                 std::string("\xc3\xa4"),
                                 std::string("a\0b", 3),
                                 long_name}) {
    EXPECT_EQ(authority(bad), "refused") << bad;
  }
}

TEST(TargetTest, SplitsTheThreeForms) {
  TargetParts parts;
  ASSERT_TRUE(split_target("/a?b?c", parts));
  EXPECT_EQ(parts.form, TargetParts::Form::kOrigin);
  EXPECT_EQ(parts.path, "/a");
  EXPECT_EQ(parts.query, "?b?c");
  ASSERT_TRUE(split_target("HTTPS://a:1/b?", parts));
  EXPECT_EQ(parts.form, TargetParts::Form::kAbsolute);
  EXPECT_EQ(parts.authority, "a:1");
  EXPECT_EQ(parts.path, "/b");
  EXPECT_EQ(parts.query, "?");
  ASSERT_TRUE(split_target("http://a?b", parts));
  EXPECT_EQ(parts.authority, "a");
  EXPECT_EQ(parts.path, "");
  ASSERT_TRUE(split_target("*", parts));
  EXPECT_EQ(parts.form, TargetParts::Form::kAsterisk);
  for (const char* bad : {"", "a:443", "ftp://a/", "mailto:a", "/a#b", "/a b", "**", "http:/a"}) {
    EXPECT_FALSE(split_target(bad, parts)) << bad;
  }
}

TEST(UrlTest, ReadsHostPortAndTarget) {
  const auto plain = parse_url("http://Example.com:8080/dir?new=1");
  ASSERT_TRUE(plain);
  EXPECT_FALSE(plain->https);
  EXPECT_EQ(plain->host, "example.com");
  EXPECT_EQ(plain->port, 8080);
  EXPECT_EQ(plain->authority, "example.com:8080");
  EXPECT_EQ(plain->target, "/dir?new=1");
  const auto secure = parse_url("https://[::1]");
  ASSERT_TRUE(secure);
  EXPECT_TRUE(secure->https);
  EXPECT_EQ(secure->host, "::1");
  EXPECT_EQ(secure->port, 443);
  EXPECT_EQ(secure->authority, "[::1]");
  EXPECT_EQ(secure->target, "/");
}

TEST(UrlTest, LeavesTheSchemesOwnPortOut) {
  EXPECT_EQ(parse_url("https://a:443/")->authority, "a");
  EXPECT_EQ(parse_url("http://a:443/")->authority, "a:443");
  EXPECT_EQ(parse_url("http://[::1]:80/")->authority, "[::1]");
}

TEST(UrlTest, RefusesWithAReason) {
  for (const char* bad : {"", "a", "/a", "*", "ftp://a/", "http://", "http://u@a/", "http://a/#b",
                          "http://a b/", "http://a:99999/"}) {
    const auto url = parse_url(bad);
    ASSERT_FALSE(url) << bad;
    EXPECT_EQ(url.error().code, base::Code::kMalformed);
    EXPECT_NE(url.error().detail.find(bad), std::string::npos);
  }
  EXPECT_FALSE(parse_url("http://a/" + std::string(9000, 'x')));
}

}  // namespace
}  // namespace gatehouse::http::target_test
