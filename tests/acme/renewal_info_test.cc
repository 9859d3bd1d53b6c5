#include "acme/renewal_info.h"

#include <gtest/gtest.h>

#include "acme/timestamp.h"
#include "tests/acme/fake_ca.h"
#include "tests/acme/harness.h"

namespace gatehouse::acme::renewal_info_test {
namespace {

using base::Code;
using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

// 2025-01-02T04:00:00Z, the start of RFC 9773's example.
constexpr base::WallTime kStart{seconds(1'735'790'400)};
constexpr std::string_view kWindow =
    R"({"suggestedWindow":{"start":"2025-01-02T04:00:00Z","end":"2025-01-03T04:00:00Z"},
        "explanationURL":"https://ca.test/docs/ari"})";

tls::LeafFacts leaf(std::string authority_key_id, std::string serial) {
  tls::LeafFacts facts;
  facts.authority_key_id = std::move(authority_key_id);
  facts.serial = std::move(serial);
  return facts;
}

TEST(Timestamp, ReadsEveryFormOfRfc3339) {
  EXPECT_EQ(parse_timestamp("2025-01-02T04:00:00Z"), kStart);
  EXPECT_EQ(parse_timestamp("2025-01-02T04:00:00.999999999Z"), kStart);
  EXPECT_EQ(parse_timestamp("2025-01-02t05:30:00+01:30"), kStart);
  EXPECT_EQ(parse_timestamp("2025-01-01 20:00:00-08:00"), kStart);
  EXPECT_EQ(parse_timestamp("2024-12-31T23:59:60Z"),
            base::WallTime(seconds(1'735'689'600)));  // a leap second
}

TEST(Timestamp, KnowsNothingOfGarbage) {
  for (const char* text :
       {"", "2025", "2025-01-02", "2025-01-02T04:00:00", "2025-01-02T04:00Z",
        "2025-02-30T04:00:00Z", "2025-13-02T04:00:00Z", "2025-01-02T24:00:00Z",
        "2025-01-02T04:60:00Z", "2025-01-02T04:00:61Z", "2025-01-02T04:00:00.Z",
        "2025-01-02T04:00:00Zx", "2025-01-02T04:00:00+1:00", "-025-01-02T04:00:00Z",
        "0001-01-01T00:00:00Z", "2025-1-2T04:00:00Z", "Thu, 02 Jan 2025 04:00:00 GMT"}) {
    EXPECT_FALSE(parse_timestamp(text)) << text;
  }
}

TEST(CertificateId, IsTheExampleOfRfc9773) {
  EXPECT_EQ(certificate_id(leaf("69885b6b87464041e1b37b847ba0ae2cde01c8d4", "0087654321")),
            "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE");
}

TEST(CertificateId, IsEmptyWithoutAnAuthorityKeyIdentifier) {
  EXPECT_EQ(certificate_id(leaf("", "0087654321")), "");
}

TEST(RenewalInfo, ReadsTheWindow) {
  const auto info = parse_renewal_info(kWindow);
  ASSERT_TRUE(info);
  EXPECT_EQ(info->start, kStart);
  EXPECT_EQ(info->end, kStart + hours(24));
  EXPECT_EQ(info->explanation, "https://ca.test/docs/ari");
  EXPECT_EQ(info->ask_again, kAskUsually);
}

TEST(RenewalInfo, RefusesWindowsThatAreNone) {
  for (const char* body :
       {"", "[]", "{}", R"({"suggestedWindow":7})",
        R"({"suggestedWindow":{"start":"2025-01-02T04:00:00Z"}})",
        R"({"suggestedWindow":{"start":"soon","end":"later"}})",
        R"({"suggestedWindow":{"start":"2025-01-03T04:00:00Z","end":"2025-01-02T04:00:00Z"}})"}) {
    const auto info = parse_renewal_info(body);
    ASSERT_FALSE(info) << body;
    EXPECT_EQ(info.error().code, Code::kMalformed) << body;
  }
}

class ReadRenewalInfo : public ::testing::Test {
 protected:
  Outcome<RenewalInfo> read() {
    Client client(house.loop, house.http, ca.directory_url());
    return run(house.loop,
               read_renewal_info(client, "aki.serial", base::Deadline::in(base::Duration(20'000))));
  }
  void answer(ScriptReply reply) {
    ca.renewal = [reply](const std::string&) { return reply; };
  }
  seconds ask_again(const std::string& retry_after) {
    answer(ScriptReply(200, std::string(kWindow)).with("Retry-After", retry_after));
    const auto info = read();
    return info ? info->ask_again : seconds(-1);
  }

  FakeCa ca;
  Harness house;
};

TEST_F(ReadRenewalInfo, AsksWithoutSignatureForTheCertificatesId) {
  answer(ScriptReply(200, std::string(kWindow)));
  ASSERT_TRUE(read());
  const ScriptRequest last = ca.requests().back();
  EXPECT_EQ(last.method, "GET");
  EXPECT_EQ(last.path, "/renewal/aki.serial");
  EXPECT_EQ(last.body, "");
}

TEST_F(ReadRenewalInfo, IsAskedAgainWhenTheCaSaysWithinAMinuteAndADay) {
  EXPECT_EQ(ask_again("21600"), hours(6));
  EXPECT_EQ(ask_again("0"), minutes(1));
  EXPECT_EQ(ask_again("604800"), hours(24));
  EXPECT_EQ(ask_again("whenever"), kAskUsually);
}

TEST_F(ReadRenewalInfo, IsUnsupportedWhereTheDirectoryHasNone) {
  const auto info = read();
  ASSERT_FALSE(info);
  EXPECT_EQ(info.error().error.code, Code::kUnsupported);
  EXPECT_EQ(ca.count("/renewal"), 0);
}

TEST_F(ReadRenewalInfo, TellsWhatTheCaSaid) {
  answer(FakeCa::problem(404, "malformed", "no such certificate").with("Retry-After", "100"));
  const auto info = read();
  ASSERT_FALSE(info);
  EXPECT_NE(info.error().error.detail.find("no such certificate"), std::string::npos);
  EXPECT_EQ(info.error().retry_after, seconds(100));
}

}  // namespace
}  // namespace gatehouse::acme::renewal_info_test
