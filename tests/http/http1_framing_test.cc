// The table of what must be refused in a request and what must not: each row whole and byte by
// byte, each followed by a request that must never be seen.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/http/served.h"

namespace gatehouse::http::http1_framing_test {
namespace {

using ::testing::AnyOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

struct Row {
  const char* name;
  std::string input;
  int status;         // of the refusal
  int or_status = 0;  // an answer that would be right as well
};

void PrintTo(const Row& row, std::ostream* out) { *out << row.name; }

std::string get(std::string fields) { return "GET / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n"; }
std::string post(std::string fields, std::string body = "") {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n" + body;
}
std::string line(std::string request_line) { return request_line + "\r\nHost: a\r\n\r\n"; }

const std::string kChunked = "Transfer-Encoding: chunked\r\n";
const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

std::vector<Row> refused_lengths() {
  return {
      {"LengthThenChunked", post("Content-Length: 5\r\n" + kChunked, "0\r\n\r\n"), 400},
      {"ChunkedThenLength", post(kChunked + "Content-Length: 5\r\n", "0\r\n\r\n"), 400},
      {"TwoEqualLengths", post("Content-Length: 5\r\nContent-Length: 5\r\n", "hello"), 400},
      {"TwoLengths", post("Content-Length: 5\r\nContent-Length: 6\r\n", "hello"), 400},
      {"LengthList", post("Content-Length: 5, 5\r\n", "hello"), 400},
      {"LengthWithPlus", post("Content-Length: +5\r\n", "hello"), 400},
      {"LengthWithMinus", post("Content-Length: -5\r\n", "hello"), 400},
      {"LengthInHex", post("Content-Length: 0x5\r\n", "hello"), 400},
      {"LengthEmpty", post("Content-Length: \r\n", "hello"), 400},
      {"LengthTwoNumbers", post("Content-Length: 5 5\r\n", "hello"), 400},
      {"LengthOver64Bits", post("Content-Length: 18446744073709551616\r\n"), 400},
      {"EncodingIdentity", post("Transfer-Encoding: identity\r\n"), 501, 400},
      {"EncodingUnknown", post("Transfer-Encoding: xchunked\r\n"), 501, 400},
      {"EncodingParameter", post("Transfer-Encoding: chunked;x\r\n"), 501, 400},
      {"EncodingQuoted", post("Transfer-Encoding: \"chunked\"\r\n"), 501, 400},
      {"EncodingThenIdentity", post("Transfer-Encoding: chunked, identity\r\n"), 400},
      {"ChunkedTwice", post("Transfer-Encoding: chunked, chunked\r\n"), 400},
      {"ChunkedTwiceInTwoFields", post(kChunked + kChunked), 400},
      {"EncodingGzipChunked", post("Transfer-Encoding: gzip, chunked\r\n"), 501},
      {"EncodingEmpty", post("Transfer-Encoding:\r\n", "0\r\n\r\n"), 400},
      {"EncodingInHttp10", "POST / HTTP/1.0\r\nHost: a\r\n" + kChunked + "\r\n0\r\n\r\n", 400},
      {"ExpectUnknown", post("Expect: 200-ok\r\nContent-Length: 5\r\n"), 417},
      {"LengthOverLimit", post("Content-Length: 104857601\r\n"), 413},
  };
}

std::vector<Row> refused_hosts() {
  return {
      {"HostMissing", "GET / HTTP/1.1\r\nX: y\r\n\r\n", 400},
      {"HostTwice", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
      {"HostTwoNames", "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400},
      {"HostList", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
      {"HostWithUser", "GET / HTTP/1.1\r\nHost: me@a\r\n\r\n", 400},
      {"HostEmpty", "GET / HTTP/1.1\r\nHost:\r\n\r\n", 400},
      {"HostWithPath", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
      {"HostWithBadPort", "GET / HTTP/1.1\r\nHost: a:99999\r\n\r\n", 400},
      {"AbsoluteWithUser", line("GET http://me@a/ HTTP/1.1"), 400},
      {"AbsoluteWithoutHostField", "GET http://a/ HTTP/1.1\r\n\r\n", 400},
      {"AbsoluteOtherScheme", line("GET ftp://a/ HTTP/1.1"), 400},
  };
}

std::vector<Row> refused_lines() {
  return {
      {"SpaceBeforeColon", get("X : y\r\n"), 400},
      {"FoldedField", get("X: y\r\n z\r\n"), 400},
      {"FoldedWithTab", get("X: y\r\n\tz\r\n"), 400},
      {"FoldedEncoding", post("Transfer-Encoding:\r\n chunked\r\n", "0\r\n\r\n"), 400},
      {"FirstFieldBeginsWithSpace", "GET / HTTP/1.1\r\n Host: a\r\nHost: a\r\n\r\n", 400},
      {"BareLfInRequestLine", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400},
      {"BareLfInField", get("X: y\nZ: z\r\n"), 400},
      {"BareLfEndsHead", "GET / HTTP/1.1\r\nHost: a\r\n\n", 400},
      {"OnlyBareLf", "GET / HTTP/1.1\nHost: a\n\n", 400},
      {"BareCrInValue", get("X: y\rz\r\n"), 400},
      {"CrEndsField", get("X: y\rZ: z\r\n"), 400},
      {"CrEndsHead", "GET / HTTP/1.1\r\nHost: a\r\n\rX", 400},
      {"CrCrBeforeRequest", "\r\r" + get(""), 400},
      {"CrInRequestLine", "GET /\r HTTP/1.1\r\nHost: a\r\n\r\n", 400},
      {"TwoEmptyLinesBeforeRequest", "\r\n\r\n" + get(""), 400},
      {"EmptyName", get(": y\r\n"), 400},
      {"NoColon", get("nonsense\r\n"), 400},
      {"NameWithSpace", get("X y: z\r\n"), 400},
      {"NameWithHighByte", get("X\xc3\xa4: z\r\n"), 400},
      {"NulInValue", get(std::string("X: a\0b\r\n", 8)), 400},
      {"ControlInValue",
       get("X: a\x01"
           "b\r\n"),
       400},
      {"DeleteInValue",
       get("X: a\x7f"
           "b\r\n"),
       400},
      {"Http09", "GET /\r\n", 400},
      {"Http09WithFields", "GET /\r\nHost: a\r\n\r\n", 400},
      {"Http20InText", line("GET / HTTP/2.0"), 505},
      {"Http12", line("GET / HTTP/1.2"), 505},
      {"Http2Preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505, 400},
      {"LowerCaseVersion", line("GET / http/1.1"), 400},
      {"NoMethod", line(" / HTTP/1.1"), 400},
      {"TwoSpacesAfterMethod", line("GET  / HTTP/1.1"), 400},
      {"TwoSpacesAfterTarget", line("GET /  HTTP/1.1"), 400},
      {"SpaceAtLineEnd", line("GET / HTTP/1.1 "), 400},
      {"TabInRequestLine", line("GET\t/ HTTP/1.1"), 400},
      {"TabInTarget", line("GET /\tx HTTP/1.1"), 400},
      {"SpaceInTarget", line("GET /a b HTTP/1.1"), 400},
      {"HighByteInTarget", line("GET /\xff HTTP/1.1"), 400},
      {"FragmentInTarget", line("GET /#x HTTP/1.1"), 400},
      {"QuoteInTarget", line("GET /\"x HTTP/1.1"), 400},
      {"EscapedNulInPath", line("GET /%00 HTTP/1.1"), 400},
      {"BadEscapeInPath", line("GET /%zz HTTP/1.1"), 400},
      {"PathAboveRoot", line("GET /../x HTTP/1.1"), 400},
      {"HiddenDotsInPath", line("GET /a/..%2fb HTTP/1.1"), 400},
      {"NotAPath", line("GET x HTTP/1.1"), 400},
      {"AuthorityForm", line("GET a:80 HTTP/1.1"), 400},
      {"StarWithoutOptions", line("GET * HTTP/1.1"), 400},
      {"LowerCaseMethod", line("get / HTTP/1.1"), 501},
      {"UnknownMethod", line("BREW / HTTP/1.1"), 501},
      {"RtspMethod", line("DESCRIBE / HTTP/1.1"), 501},
      {"Connect", line("CONNECT a:443 HTTP/1.1"), 405},
      {"Trace", line("TRACE / HTTP/1.1"), 405},
      {"TlsOnPlainPort", std::string("\x16\x03\x01\x02\x00\x01\x00\x01", 8), 400},
  };
}

std::vector<Row> refused_sizes() {
  std::string fields;
  for (int i = 0; i < 100; ++i) fields += "X" + std::to_string(i) + ": y\r\n";
  return {
      {"TargetTooLong", line("GET /" + std::string(8192, 'x') + " HTTP/1.1"), 414},
      {"EndlessTarget", "GET /" + std::string(16000, 'x'), 414},
      {"HeadTooLong", get("X: " + std::string(33000, 'x') + "\r\n"), 431},
      {"EndlessField", "GET / HTTP/1.1\r\nX: " + std::string(33000, 'x'), 431},
      {"TooManyFields", get(fields), 431},
  };
}

class Refused : public ::testing::TestWithParam<Row> {};

void expect_refused(const Row& row, bool slowly) {
  base::Loop loop;
  Served served(loop);
  const auto heard = run_task(loop, converse(served, row.input + kSmuggled, slowly));
  EXPECT_TRUE(served.seen.empty()) << "reached the handler: " << served.seen.front().head.target;
  const auto refused = served.server.refused_status();
  EXPECT_THAT(refused, AnyOf(row.status, row.or_status == 0 ? row.status : row.or_status));
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 " + std::to_string(refused) + " "));
  EXPECT_THAT(heard, HasSubstr("\r\nConnection: close\r\n"));
  EXPECT_EQ(heard.find("\nHTTP/1.1 "), std::string::npos) << "a second answer: " << heard;
  ASSERT_TRUE(served.error);
  EXPECT_EQ(served.error->side, base::Side::kDownstream);
  EXPECT_FALSE(served.error->detail.empty());
}

TEST_P(Refused, Whole) { expect_refused(GetParam(), false); }
TEST_P(Refused, ByteByByte) { expect_refused(GetParam(), true); }

std::string row_name(const ::testing::TestParamInfo<Row>& info) { return info.param.name; }

INSTANTIATE_TEST_SUITE_P(Length, Refused, ::testing::ValuesIn(refused_lengths()), row_name);
INSTANTIATE_TEST_SUITE_P(Host, Refused, ::testing::ValuesIn(refused_hosts()), row_name);
INSTANTIATE_TEST_SUITE_P(Line, Refused, ::testing::ValuesIn(refused_lines()), row_name);
INSTANTIATE_TEST_SUITE_P(Size, Refused, ::testing::ValuesIn(refused_sizes()), row_name);

// Bodies are streamed, so the handler sees their heads; it must see the error, and nothing else of
// the connection may be read as a request.
std::vector<Row> bad_bodies() {
  const auto chunked = [](std::string body) { return post(kChunked, std::move(body)); };
  return {
      {"SizeInHex", chunked("0x5\r\nhello\r\n0\r\n\r\n"), 400},
      {"SizeWithPlus", chunked("+5\r\nhello\r\n0\r\n\r\n"), 400},
      {"SizeWithSpaceBefore", chunked(" 5\r\nhello\r\n0\r\n\r\n"), 400},
      {"SizeWithSpaceAfter", chunked("5 \r\nhello\r\n0\r\n\r\n"), 400},
      {"SizeEmpty", chunked("\r\nhello\r\n0\r\n\r\n"), 400},
      {"SizeOver64Bits", chunked("10000000000000000\r\nhello\r\n0\r\n\r\n"), 400},
      {"SizeEndsInLf", chunked("5\nhello\r\n0\r\n\r\n"), 400},
      {"DataEndsInLf", chunked("5\r\nhello\n0\r\n\r\n"), 400},
      {"DataTooLong", chunked("5\r\nhello!\r\n0\r\n\r\n"), 400},
      {"LastChunkEndsInLf", chunked("5\r\nhello\r\n0\n\r\n"), 400},
      {"BodyEndsInLf", chunked("5\r\nhello\r\n0\r\n\n"), 400},
      {"ExtensionWithLf", chunked("5;a\nb\r\nhello\r\n0\r\n\r\n"), 400},
      {"ExtensionWithCr", chunked("5;a\rb\r\nhello\r\n0\r\n\r\n"), 400},
      {"ExtensionWithNul", chunked(std::string("5;a\0b\r\nhello\r\n0\r\n\r\n", 20)), 400},
      {"ExtensionTooLong", chunked("5;" + std::string(1100, 'a') + "\r\nhello\r\n0\r\n\r\n"), 400},
      {"SizeWithoutEnd", chunked(std::string(40000, '0')), 400},
      {"TrailersTooLong", chunked("0\r\nT: " + std::string(9000, 'a') + "\r\n\r\n"), 400},
      {"TrailerFolded", chunked("0\r\nT: a\r\n b\r\n\r\n"), 400},
      {"TrailerEncoding", chunked("0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400},
      {"TrailerLength", chunked("0\r\nContent-Length: 5\r\n\r\n"), 400},
  };
}

class BadBody : public ::testing::TestWithParam<Row> {};

void expect_bad_body(const Row& row, bool slowly) {
  base::Loop loop;
  Served served(loop);
  const auto heard = run_task(loop, converse(served, row.input + kSmuggled, slowly));
  ASSERT_EQ(served.seen.size(), 1u);
  EXPECT_EQ(served.seen[0].head.target, "/");
  ASSERT_TRUE(served.seen[0].error);
  EXPECT_EQ(served.seen[0].error->code, base::Code::kMalformed);
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 400 "));
  EXPECT_THAT(heard, HasSubstr("\r\nConnection: close\r\n"));
}

TEST_P(BadBody, Whole) { expect_bad_body(GetParam(), false); }
TEST_P(BadBody, ByteByByte) { expect_bad_body(GetParam(), true); }
INSTANTIATE_TEST_SUITE_P(Chunked, BadBody, ::testing::ValuesIn(bad_bodies()), row_name);

struct Good {
  const char* name;
  std::string input;
  std::string target = "/";
  std::string authority = "a";
  std::string body = "";
};

void PrintTo(const Good& good, std::ostream* out) { *out << good.name; }

std::vector<Good> accepted() {
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X" + std::to_string(i) + ": y\r\n";
  const std::string hello = "hello";
  return {
      {"Simple", get("")},
      {"OneEmptyLineBefore", "\r\n" + get("")},
      {"LengthWithTrailingSpaces", post("Content-Length: 5  \r\n", hello), "/", "a", hello},
      {"LengthWithLeadingTab", post("Content-Length:\t5\r\n", hello), "/", "a", hello},
      {"LengthZero", post("Content-Length: 0\r\n")},
      {"ChunkedBody", post(kChunked, "5\r\nhello\r\n0\r\n\r\n"), "/", "a", hello},
      {"ChunkedInCapitals", post("TRANSFER-ENCODING: CHUNKED\r\n", "5\r\nhello\r\n0\r\n\r\n"), "/",
       "a", hello},
      {"ChunkExtension", post(kChunked, "5;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\n"), "/", "a", hello},
      {"ManyChunks", post(kChunked, "1\r\nh\r\n2\r\nel\r\n2\r\nlo\r\n0\r\n\r\n"), "/", "a", hello},
      {"HighBytesInValue", get("X: \xc3\xa4\r\n")},
      {"EmptyValue", get("X:\r\n")},
      {"UpgradeIsAPlainRequest", get("Connection: upgrade\r\nUpgrade: websocket\r\n")},
      {"UpgradeWithBody", post("Connection: upgrade\r\nUpgrade: x\r\nContent-Length: 5\r\n", hello),
       "/", "a", hello},
      {"UpgradeChunked",
       post("Connection: upgrade\r\nUpgrade: x\r\n" + kChunked, "5\r\nhello\r\n0\r\n\r\n"), "/",
       "a", hello},
      {"AbsoluteForm", line("GET http://a/x?y HTTP/1.1"), "/x?y"},
      {"AbsoluteFormWinsOverHost", line("GET http://Other:8080/x HTTP/1.1"), "/x", "other:8080"},
      {"AbsoluteWithoutPath", line("GET http://a HTTP/1.1"), "/"},
      {"AbsoluteQueryWithoutPath", line("GET http://a?q HTTP/1.1"), "/?q"},
      {"OptionsStar", line("OPTIONS * HTTP/1.1"), "*"},
      {"OptionsOfWholeServer", line("OPTIONS http://a HTTP/1.1"), "*"},
      {"HostInCapitals", "GET / HTTP/1.1\r\nHost: EXAMPLE.com.\r\n\r\n", "/", "example.com"},
      {"HostWithPort", "GET / HTTP/1.1\r\nHost: a:0080\r\n\r\n", "/", "a:80"},
      {"HostIp6", "GET / HTTP/1.1\r\nHost: [::1]:8443\r\n\r\n", "/", "[::1]:8443"},
      {"Http10WithoutHost", "GET / HTTP/1.0\r\n\r\n", "/", ""},
      {"Http10IgnoresExpect", "POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 5\r\n\r\nhello", "/",
       "", hello},
      {"LongestTarget", line("GET /" + std::string(8191, 'x') + " HTTP/1.1"),
       "/" + std::string(8191, 'x')},
      {"MostFields", get(fields)},
      {"LongField", get("X: " + std::string(30000, 'x') + "\r\n")},
      {"MethodWithDash", line("M-SEARCH / HTTP/1.1")},
  };
}

class Accepted : public ::testing::TestWithParam<Good> {};

void expect_accepted(const Good& good, bool slowly) {
  base::Loop loop;
  Served served(loop);
  const auto heard = run_task(loop, converse(served, good.input, slowly));
  EXPECT_EQ(served.server.refused_status(), 0) << heard;
  ASSERT_EQ(served.seen.size(), 1u);
  EXPECT_EQ(std::string(served.seen[0].head.target), good.target);
  EXPECT_EQ(std::string(served.seen[0].head.authority), good.authority);
  EXPECT_EQ(served.seen[0].body, good.body);
  EXPECT_FALSE(served.seen[0].error);
  for (const char* gone : {"Host", "Content-Length", "Transfer-Encoding", "Expect"}) {
    EXPECT_EQ(served.seen[0].head.fields.count(gone), 0u) << gone;
  }
  EXPECT_THAT(heard, StartsWith("HTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(served.error);
}

TEST_P(Accepted, Whole) { expect_accepted(GetParam(), false); }
TEST_P(Accepted, ByteByByte) { expect_accepted(GetParam(), true); }
INSTANTIATE_TEST_SUITE_P(Request, Accepted, ::testing::ValuesIn(accepted()),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace gatehouse::http::http1_framing_test
