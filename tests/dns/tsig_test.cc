#include "dns/tsig.h"

#include <gmock/gmock.h>
#include <openssl/digest.h>
#include <openssl/hmac.h>

#include "tests/dns/fake_server.h"

namespace gatehouse::dns::tsig_test {
namespace {

using ::testing::HasSubstr;

constexpr std::int64_t kNow = 1'700'000'000;
const base::WallTime now{std::chrono::seconds(kNow)};

TsigKey key(TsigAlgorithm algorithm = TsigAlgorithm::kHmacSha256) {
  TsigKey key;
  key.name = "gate.example";
  key.algorithm = algorithm;
  key.secret = "thirty-two bytes of secret, here";
  return key;
}

// How a server would sign `message` (RFC 8945 5.3), put together by hand.
struct Server {
  std::string name = "gate.example";
  std::string algorithm = "hmac-sha256";
  std::string secret = key().secret;
  std::string request_mac;
  std::int64_t time = kNow;
  unsigned error = 0;
  std::string other;
  bool with_mac = true;
  bool of_requests = false;  // the mac of nothing goes before

  std::string time_and_fudge() const {
    std::string out;
    append_u16(out, static_cast<std::uint64_t>(time) >> 32);
    append_u32(out, static_cast<std::uint64_t>(time) & 0xffffffff);
    append_u16(out, 300);
    return out;
  }
  std::string mac(const std::string& message) const {
    std::string covered;
    if (!of_requests) append_u16(covered, request_mac.size());
    covered += request_mac + message + name_data(name);
    append_u16(covered, 255);
    append_u32(covered, 0);
    covered += name_data(algorithm) + time_and_fudge();
    append_u16(covered, error);
    append_u16(covered, other.size());
    covered += other;
    std::string out(EVP_MAX_MD_SIZE, '\0');
    unsigned size = 0;
    HMAC(algorithm == "hmac-sha256" ? EVP_sha256() : EVP_sha512(), secret.data(), secret.size(),
         reinterpret_cast<const std::uint8_t*>(covered.data()), covered.size(),
         reinterpret_cast<std::uint8_t*>(out.data()), &size);
    out.resize(size);
    return out;
  }
  std::string sign(std::string message) const {
    const std::string by = with_mac ? mac(message) : "";
    std::string data = name_data(algorithm) + time_and_fudge();
    append_u16(data, by.size());
    data += by + message.substr(0, 2);
    append_u16(data, error);
    append_u16(data, other.size());
    data += other;
    message += name_data(name);
    append_u16(message, 250);
    append_u16(message, 255);
    append_u32(message, 0);
    append_u16(message, data.size());
    message += data;
    message[11] = 1;
    return message;
  }
};

std::string plain() { return make_answer("\x12\x34", "a.example", Type::kSoa, 0, {}); }

std::string why(const std::string& answer, std::string_view mac = "") {
  const auto verified = verify(answer, key(), mac, now);
  return verified ? "" : verified.error().detail;
}

TEST(Tsig, ItsOwnSignatureIsTheOneThatAServerMakes) {
  for (const auto algorithm : {TsigAlgorithm::kHmacSha256, TsigAlgorithm::kHmacSha512}) {
    const std::string message = *make_query(7, "a.example", Type::kSoa, false);
    const auto made = sign(message, key(algorithm), now);
    ASSERT_TRUE(made);
    Server server;
    server.of_requests = true;
    server.algorithm = algorithm == TsigAlgorithm::kHmacSha256 ? "hmac-sha256" : "hmac-sha512";
    EXPECT_EQ(made->message, server.sign(message));
    EXPECT_EQ(made->mac, server.mac(message));
  }
}

TEST(Tsig, BelievesAnAnswerThatIsSignedForThisRequest) {
  Server server;
  server.request_mac = "the mac of the request";
  const std::string answer = server.sign(plain());
  EXPECT_EQ(why(answer, server.request_mac), "");
  EXPECT_THAT(why(answer, "of another"), HasSubstr("signature is wrong"));
}

TEST(Tsig, EveryByteOfAnAnswerIsCovered) {
  const std::string answer = Server().sign(plain());
  for (std::size_t at = 0; at < answer.size(); ++at) {
    std::string forged = answer;
    forged[at] = static_cast<char>(forged[at] ^ 1);
    // The id stands again in the signature, since forwarders change it.
    EXPECT_EQ(why(forged).empty(), at < 2) << at;
  }
}

TEST(Tsig, SaysWhatTheServerDoesNotLike) {
  Server server;
  server.with_mac = false;
  server.error = 17;
  EXPECT_THAT(why(server.sign(plain())), HasSubstr("does not take the key \"gate.example\""));
  server.error = 16;
  EXPECT_THAT(why(server.sign(plain())), HasSubstr("another at the server (BADSIG)"));
  server.error = 18;
  server.time = kNow + 900;
  EXPECT_THAT(why(server.sign(plain())), HasSubstr("differ by 900 seconds (BADTIME)"));
  server.error = 22;
  EXPECT_THAT(why(server.sign(plain())), HasSubstr("error 22"));
}

TEST(Tsig, RefusesAnAnswerWithoutSignatureByAnotherKeyOrOfAnotherTime) {
  EXPECT_THAT(why(plain()), HasSubstr("not signed"));
  Server other;
  other.name = "other.example";
  EXPECT_THAT(why(other.sign(plain())), HasSubstr("another key"));
  Server old;
  old.time = kNow - 301;
  EXPECT_THAT(why(old.sign(plain())), HasSubstr("another time"));
  Server forger;
  forger.secret = "guessed";
  EXPECT_THAT(why(forger.sign(plain())), HasSubstr("signature is wrong"));
  Server unsigned_one;
  unsigned_one.with_mac = false;
  EXPECT_THAT(why(unsigned_one.sign(plain())), HasSubstr("signature is wrong"));
}

TEST(Tsig, ReadsSecretsAsServersWriteThem) {
  EXPECT_EQ(*read_secret("c2VjcmV0"), "secret");
  EXPECT_FALSE(read_secret(""));
  EXPECT_FALSE(read_secret("not base64"));
  EXPECT_EQ(read_secret("c2VjcmV0x").error().detail.find("c2V"), std::string::npos);
}

}  // namespace
}  // namespace gatehouse::dns::tsig_test
