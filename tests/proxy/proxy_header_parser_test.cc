#include "proxy/proxy_header_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "proxy/proxy_header_reader.h"
#include "tests/http/wire.h"

namespace gatehouse::proxy::proxy_header_parser_test {
namespace {

using Speaker = ProxyHeaderParser::Speaker;
using ::testing::HasSubstr;

const std::string kSignature("\r\n\r\n\0\r\nQUIT\n", 12);
const std::string kV4Addresses("\xc0\x00\x02\x07\x7f\x00\x00\x01\x9c\x40\x01\xbb", 12);

// A header of version 2.
std::string binary(char command, char family, const std::string& rest) {
  std::string made = kSignature + command + family;
  made += static_cast<char>(rest.size() >> 8);
  made += static_cast<char>(rest.size() & 255);
  return made + rest;
}
std::string tlv(char type, const std::string& value) {
  std::string made(1, type);
  made += static_cast<char>(value.size() >> 8);
  made += static_cast<char>(value.size() & 255);
  return made + value;
}

// What a header says, given in pieces of `size` bytes with HTTP behind it: "CLIENT ip:port",
// "UNKNOWN", "PROXY", or the error.
std::string read(const std::string& header, std::size_t size = 1) {
  const std::string all = header + "GET / HTTP/1.1\r\n";
  ProxyHeaderParser reader;
  std::size_t at = 0;
  while (!reader.whole() && at < all.size()) {
    const auto used = reader.take(base::as_bytes(std::string_view(all).substr(at, size)));
    if (!used) return used.error().detail;
    at += *used;
  }
  if (!reader.whole()) return "it never ended";
  if (at != header.size()) return "it took " + std::to_string(at) + " bytes";
  if (reader.speaker() == Speaker::kProxy) return "PROXY";
  if (reader.speaker() == Speaker::kUnknown) return "UNKNOWN";
  return "CLIENT " + reader.client().text();
}

struct Case {
  const char* name;
  std::string header;
  std::string said;
};
void PrintTo(const Case& one, std::ostream* out) { *out << one.name; }
std::string name_of(const testing::TestParamInfo<Case>& info) { return info.param.name; }

class Takes : public testing::TestWithParam<Case> {};

TEST_P(Takes, ToItsEndAndNoByteMore) {
  for (const std::size_t size : {1, 3, 16, 5000}) {
    EXPECT_EQ(read(GetParam().header, size), GetParam().said) << "in pieces of " << size;
  }
}

INSTANTIATE_TEST_SUITE_P(
    ProxyHeaderParser, Takes,
    testing::Values(
        Case{"Tcp4", "PROXY TCP4 192.0.2.7 10.0.0.1 40000 443\r\n", "CLIENT 192.0.2.7:40000"},
        Case{"Tcp6", "PROXY TCP6 2001:db8::7 ::1 0 65535\r\n", "CLIENT [2001:db8::7]:0"},
        Case{"LongestTcp6",
             "PROXY TCP6 ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff "
             "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe 65535 65535\r\n",
             "CLIENT [ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]:65535"},
        Case{"Unknown", "PROXY UNKNOWN\r\n", "UNKNOWN"},
        Case{"UnknownWithMore", "PROXY UNKNOWN ffff::1 x y\r\n", "UNKNOWN"},
        Case{"UnknownAsLongAsItMayBe", "PROXY UNKNOWN " + std::string(91, 'x') + "\r\n", "UNKNOWN"},
        Case{"Version2Tcp4", binary(0x21, 0x11, kV4Addresses), "CLIENT 192.0.2.7:40000"},
        Case{"Version2Tcp6",
             binary(0x21, 0x21,
                    std::string("\x20\x01\x0d\xb8", 4) + std::string(11, '\0') + "\x07" +
                        std::string(16, '\0') + std::string("\x9c\x40\x01\xbb", 4)),
             "CLIENT [2001:db8::7]:40000"},
        Case{"Version2WithTlvs",
             binary(0x21, 0x11, kV4Addresses + tlv(2, "a.example") + tlv('\xea', "")),
             "CLIENT 192.0.2.7:40000"},
        Case{"Version2AsLongAsItMayBe",
             binary(0x21, 0x11, kV4Addresses + tlv(4, std::string(4096 - 16 - 12 - 3, 'x'))),
             "CLIENT 192.0.2.7:40000"},
        Case{"Local", binary(0x20, 0x00, ""), "PROXY"},
        Case{"LocalWithMore", binary(0x20, 0x7f, "whatever"), "PROXY"},
        Case{"Unspecified", binary(0x21, 0x00, "whatever"), "UNKNOWN"},
        Case{"Udp", binary(0x21, 0x12, kV4Addresses), "UNKNOWN"},
        Case{"Unix", binary(0x21, 0x31, std::string(216, 'u')), "UNKNOWN"}),
    name_of);

class RefusedHeader : public testing::TestWithParam<Case> {};

TEST_P(RefusedHeader, SaysWhatIsWrong) {
  for (const std::size_t size : {1, 7, 5000}) {
    EXPECT_THAT(read(GetParam().header, size), HasSubstr(GetParam().said)) << size;
  }
}

INSTANTIATE_TEST_SUITE_P(
    ProxyHeaderParser, RefusedHeader,
    testing::Values(
        Case{"Http", "GET / HTTP/1.1\r\n\r\n", "something else came"},
        Case{"Tls", std::string("\x16\x03\x01\x02\x00", 5), "something else came"},
        Case{"Post", "POST / HTTP/1.1\r\n", "something else came"},
        Case{"LowerCase", "proxy TCP4 1.2.3.4 1.2.3.4 1 1\r\n", "something else came"},
        Case{"NoCr", "PROXY UNKNOWN\n", "without CR"},
        Case{"CrInside", "PROXY UNKNOWN \r x\r\n", "a CR in its line"},
        Case{"TooLong", "PROXY UNKNOWN " + std::string(92, 'x') + "\r\n", "more than 107 bytes"},
        Case{"OtherFamily", "PROXY UDP4 1.2.3.4 1.2.3.4 1 1\r\n", "section 2.1"},
        Case{"UnknownWithATail", "PROXY UNKNOWNS\r\n", "section 2.1"},
        Case{"FourWords", "PROXY TCP4 1.2.3.4 1.2.3.4 1\r\n", "section 2.1"},
        Case{"SixWords", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 1\r\n", "section 2.1"},
        Case{"TwoSpaces", "PROXY TCP4  1.2.3.4 1.2.3.4 1 1\r\n", "section 2.1"},
        Case{"TrailingSpace", "PROXY TCP4 1.2.3.4 1.2.3.4 1 1 \r\n", "section 2.1"},
        Case{"V6AsTcp4", "PROXY TCP4 ::1 ::1 1 1\r\n", "no address"},
        Case{"V4AsTcp6", "PROXY TCP6 1.2.3.4 1.2.3.4 1 1\r\n", "no address"},
        Case{"BadDestination", "PROXY TCP4 1.2.3.4 1.2.3.256 1 1\r\n", "no address"},
        Case{"Brackets", "PROXY TCP6 [::1] ::1 1 1\r\n", "no address"},
        Case{"PaddedAddress", "PROXY TCP4 01.2.3.4 1.2.3.4 1 1\r\n", "no address"},
        Case{"PaddedPort", "PROXY TCP4 1.2.3.4 1.2.3.4 01 1\r\n", "no port"},
        Case{"HugePort", "PROXY TCP4 1.2.3.4 1.2.3.4 1 65536\r\n", "no port"},
        Case{"NoPort", "PROXY TCP4 1.2.3.4 1.2.3.4 1 \r\n", "no port"},
        Case{"SignedPort", "PROXY TCP4 1.2.3.4 1.2.3.4 +1 1\r\n", "no port"},
        Case{"OtherVersion", binary(0x11, 0x11, kV4Addresses), "no version 2"},
        Case{"OtherCommand", binary(0x22, 0x11, kV4Addresses), "no version 2"},
        Case{"NoFamily", binary(0x21, 0x41, kV4Addresses), "no family"},
        Case{"NoTransport", binary(0x21, 0x13, kV4Addresses), "no family"},
        Case{"CutAddresses", binary(0x21, 0x21, kV4Addresses), "addresses are cut"},
        Case{"TooLarge", binary(0x21, 0x11, std::string(4096 - 15, 'x')), "more than 4096 bytes"},
        Case{"CutTlv", binary(0x21, 0x11, kV4Addresses + "\x01"), "a TLV is cut"},
        Case{"LongTlv", binary(0x21, 0x11, kV4Addresses + std::string("\x01\x00\x05xxxx", 7)),
             "longer than the header"},
        Case{"ShortChecksum", binary(0x21, 0x11, kV4Addresses + tlv(3, "123")), "of 4 bytes"},
        Case{"WrongChecksum", binary(0x21, 0x11, kV4Addresses + tlv(3, "1234")),
             "checksum is wrong"}),
    name_of);

TEST(ProxyHeaderChecksum, ThatIsRightIsTaken) {
  const std::string sum("\xfd\xae\xbd\xf4", 4);
  EXPECT_EQ(read(binary(0x21, 0x11, kV4Addresses + tlv(3, sum) + tlv(4, "x"))),
            "CLIENT 192.0.2.7:40000");
  EXPECT_THAT(read(binary(0x21, 0x11, kV4Addresses + tlv(3, sum) + tlv(4, "y"))),
              HasSubstr("checksum is wrong"));
  EXPECT_THAT(read(binary(0x21, 0x11, kV4Addresses + tlv(3, sum) + tlv(3, sum))),
              HasSubstr("checksum is"));
}

class ReadProxyHeader : public testing::Test {
 protected:
  ~ReadProxyHeader() override { EXPECT_EQ(base::thrown_tasks(), 0u); }
  base::Task<base::Result<ProxyHeaderParser>> header(base::Duration patience) {
    const auto deadline = base::Deadline::in(patience);
    co_return co_await read_proxy_header(wire.ours, deadline);
  }

  base::Loop loop;
  http::Wire wire{loop};
  http::RawPeer peer{wire.theirs};
};

TEST_F(ReadProxyHeader, LeavesWhatFollowsInTheSocket) {
  http::run_task(loop, peer.say("PROXY TCP4 192.0.2.7 10.0.0.1 40000 443\r\nGET / "));
  const auto read = http::run_task(loop, header(base::Duration(5'000)));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->client().text(), "192.0.2.7:40000");
  char rest[64];
  const auto got = ::recv(wire.ours.native(), rest, sizeof rest, 0);
  EXPECT_EQ(std::string(rest, static_cast<std::size_t>(std::max<ssize_t>(got, 0))), "GET / ");
}

TEST_F(ReadProxyHeader, WaitsForTheRestAndNoLongerThanItMay) {
  http::run_task(loop, peer.say("PROXY UNK"));
  const auto read = http::run_task(loop, header(base::Duration(300)));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, base::Code::kTimeout);
}

TEST_F(ReadProxyHeader, AHeaderThatTricklesInIsRead) {
  const base::Event never(loop);
  loop.spawn(peer.say_slowly("PROXY TCP6 2001:db8::7 ::1 1 2\r\n", wire.ours, never), "trickle");
  const auto read = http::run_task(loop, header(base::Duration(5'000)));
  ASSERT_TRUE(read) << read.error().detail;
  EXPECT_EQ(read->client().host(), "2001:db8::7");
}

TEST_F(ReadProxyHeader, APeerThatLeavesBeforeItsEndIsNoClient) {
  http::run_task(loop, peer.say("PROXY TCP4 192.0.2.7"));
  wire.theirs.close();
  const auto read = http::run_task(loop, header(base::Duration(5'000)));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, base::Code::kClosed);
}

}  // namespace
}  // namespace gatehouse::proxy::proxy_header_parser_test
