#include "dns/tsig.h"

#include <arpa/nameser.h>
#include <openssl/base64.h>
#include <openssl/digest.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>

#include "dns/message.h"

namespace gatehouse::dns {

namespace {

using base::Code;
using base::Side;

constexpr std::uint16_t kTsig = 250;
constexpr std::uint16_t kAnyClass = 255;
constexpr std::size_t kHeader = 12;
constexpr std::size_t kRecordCount = 10;  // where a header counts the additional records

enum class Trouble : std::uint16_t { kBadSig = 16, kBadKey = 17, kBadTime = 18 };

// What a TSIG record says (RFC 8945 4.2).
struct Tsig {
  std::string algorithm;  // as text
  std::uint64_t time = 0;
  std::uint16_t fudge = kFudge;
  std::string mac;
  std::uint16_t id = 0;
  std::uint16_t error = 0;
  std::string other;
};

std::unexpected<base::Error> denied(std::string what) {
  return base::fail(Code::kDenied, Side::kUpstream, base::Retry::kYes, std::move(what));
}

std::string_view algorithm_name(TsigAlgorithm algorithm) {
  return algorithm == TsigAlgorithm::kHmacSha256 ? "hmac-sha256" : "hmac-sha512";
}

void append_time(std::string& out, std::uint64_t time) {
  append_u16(out, time >> 32);
  append_u32(out, time & 0xffffffff);
}

std::uint64_t number_at(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t number = 0;
  for (const char c : bytes.substr(at, size)) number = number << 8 | static_cast<unsigned char>(c);
  return number;
}

// The TSIG variables, which stand behind the message in what is signed (RFC 8945 4.3.3).
base::Result<std::string> variables(const TsigKey& key, const Tsig& tsig) {
  std::string out;
  auto named = append_name(out, key.name);
  if (!named) return base::fail(std::move(named.error()));
  append_u16(out, kAnyClass);
  append_u32(out, 0);
  named = append_name(out, algorithm_name(key.algorithm));
  if (!named) return base::fail(std::move(named.error()));
  append_time(out, tsig.time);
  append_u16(out, tsig.fudge);
  append_u16(out, tsig.error);
  append_u16(out, tsig.other.size());
  return out + tsig.other;
}

std::string mac_of(const TsigKey& key, std::string_view bytes) {
  const EVP_MD* digest = key.algorithm == TsigAlgorithm::kHmacSha256 ? EVP_sha256() : EVP_sha512();
  std::string mac(EVP_MAX_MD_SIZE, '\0');
  unsigned size = 0;
  HMAC(digest, key.secret.data(), key.secret.size(),
       reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size(),
       reinterpret_cast<std::uint8_t*>(mac.data()), &size);
  mac.resize(size);
  return mac;
}

bool read_tsig(const ns_msg& message, const ns_rr& record, Tsig& out) {
  const std::string_view data(reinterpret_cast<const char*>(ns_rr_rdata(record)),
                              ns_rr_rdlen(record));
  char text[NS_MAXDNAME] = {};
  const int used = ns_name_uncompress(ns_msg_base(message), ns_msg_end(message),
                                      ns_rr_rdata(record), text, sizeof text);
  if (used < 0 || data.size() < static_cast<std::size_t>(used) + 10) return false;
  out.algorithm = plain_name(text);
  std::string_view rest = data.substr(static_cast<std::size_t>(used));
  out.time = number_at(rest, 0, 6);
  out.fudge = static_cast<std::uint16_t>(number_at(rest, 6, 2));
  const std::size_t mac_size = number_at(rest, 8, 2);
  rest.remove_prefix(10);
  if (rest.size() < mac_size + 6) return false;
  out.mac = rest.substr(0, mac_size);
  rest.remove_prefix(mac_size);
  out.id = static_cast<std::uint16_t>(number_at(rest, 0, 2));
  out.error = static_cast<std::uint16_t>(number_at(rest, 2, 2));
  out.other = rest.substr(6);
  return out.other.size() == number_at(rest, 4, 2);
}

// Where the last additional record begins.
std::size_t last_record_at(const ns_msg& message) {
  const unsigned char* at = ns_msg_base(message) + kHeader;
  const unsigned char* end = ns_msg_end(message);
  for (const ns_sect section : {ns_s_qd, ns_s_an, ns_s_ns, ns_s_ar}) {
    const int count = ns_msg_count(message, section) - (section == ns_s_ar ? 1 : 0);
    const int size = ns_skiprr(at, end, section, count);
    if (size < 0) return 0;
    at += size;
  }
  return static_cast<std::size_t>(at - ns_msg_base(message));
}

base::Result<void> check_error(const TsigKey& key, const Tsig& tsig, std::uint64_t now) {
  switch (static_cast<Trouble>(tsig.error)) {
    case Trouble::kBadKey:
      return denied("the server does not take the key \"" + key.name + "\" with " +
                    std::string(algorithm_name(key.algorithm)) + " for this (BADKEY)");
    case Trouble::kBadSig:
      return denied("the secret of the key \"" + key.name + "\" is another at the server (BADSIG)");
    case Trouble::kBadTime: {
      const std::uint64_t theirs = tsig.other.size() == 6 ? number_at(tsig.other, 0, 6) : tsig.time;
      return denied("the server's clock and ours differ by " +
                    std::to_string(theirs > now ? theirs - now : now - theirs) +
                    " seconds (BADTIME)");
    }
  }
  if (tsig.error == 0) return {};
  return denied("the server refuses the signature (error " + std::to_string(tsig.error) + ")");
}

}  // namespace

base::Result<std::string> read_secret(std::string_view base64) {
  std::string secret(base64.size(), '\0');
  std::size_t size = 0;
  if (base64.empty() ||
      EVP_DecodeBase64(reinterpret_cast<std::uint8_t*>(secret.data()), &size, secret.size(),
                       reinterpret_cast<const std::uint8_t*>(base64.data()), base64.size()) != 1) {
    return base::fail(Code::kMalformed, "the secret of a TSIG key is not base64");
  }
  secret.resize(size);
  return secret;
}

base::Result<Signed> sign(std::string message, const TsigKey& key, base::WallTime now) {
  Tsig tsig;
  tsig.time = static_cast<std::uint64_t>(now.time_since_epoch().count());
  auto behind = variables(key, tsig);
  if (!behind) return base::fail(std::move(behind.error()));
  Signed out;
  out.mac = mac_of(key, message + *behind);

  std::string data;
  auto named = append_name(data, algorithm_name(key.algorithm));
  if (!named) return base::fail(std::move(named.error()));
  append_time(data, tsig.time);
  append_u16(data, tsig.fudge);
  append_u16(data, out.mac.size());
  data += out.mac;
  data += message.substr(0, 2);  // the message's own id
  append_u16(data, 0);
  append_u16(data, 0);

  out.message = std::move(message);
  named = append_name(out.message, key.name);
  if (!named) return base::fail(std::move(named.error()));
  append_u16(out.message, kTsig);
  append_u16(out.message, kAnyClass);
  append_u32(out.message, 0);
  append_u16(out.message, data.size());
  out.message += data;
  out.message[kRecordCount + 1] = static_cast<char>(out.message[kRecordCount + 1] + 1);
  return out;
}

base::Result<void> verify(std::string_view answer, const TsigKey& key, std::string_view request_mac,
                          base::WallTime now) {
  ns_msg parsed{};
  const auto* bytes = reinterpret_cast<const unsigned char*>(answer.data());
  if (answer.size() > kLargestMessage ||
      ns_initparse(bytes, static_cast<int>(answer.size()), &parsed) != 0) {
    return base::fail(Code::kMalformed, Side::kUpstream, "what came is no DNS message");
  }
  const int records = ns_msg_count(parsed, ns_s_ar);
  ns_rr record{};
  Tsig tsig;
  if (records == 0 || ns_parserr(&parsed, ns_s_ar, records - 1, &record) != 0 ||
      ns_rr_type(record) != kTsig || ns_rr_class(record) != kAnyClass || ns_rr_ttl(record) != 0) {
    return denied("the answer (" +
                  rcode_name(static_cast<unsigned>(ns_msg_getflag(parsed, ns_f_rcode))) +
                  ") is not signed");
  }
  if (!read_tsig(parsed, record, tsig)) {
    return base::fail(Code::kMalformed, Side::kUpstream, "the answer's signature is cut short");
  }
  const auto ours = static_cast<std::uint64_t>(now.time_since_epoch().count());
  auto believed = check_error(key, tsig, ours);
  if (!believed) return believed;
  if (plain_name(ns_rr_name(record)) != plain_name(key.name) ||
      tsig.algorithm != algorithm_name(key.algorithm)) {
    return denied("the answer is signed with another key");
  }
  std::string covered;
  append_u16(covered, request_mac.size());
  covered += request_mac;
  const std::size_t start = covered.size();
  covered += answer.substr(0, last_record_at(parsed));
  if (covered.size() < start + kHeader) {
    return base::fail(Code::kMalformed, Side::kUpstream, "the answer's records are cut short");
  }
  std::string id;
  append_u16(id, tsig.id);
  std::string count;
  append_u16(count, static_cast<std::uint64_t>(records - 1));
  covered.replace(start, 2, id);
  covered.replace(start + kRecordCount, 2, count);
  auto behind = variables(key, tsig);
  if (!behind) return base::fail(std::move(behind.error()));
  const std::string mac = mac_of(key, covered + *behind);
  if (mac.size() != tsig.mac.size() ||
      CRYPTO_memcmp(mac.data(), tsig.mac.data(), mac.size()) != 0) {
    return denied("the answer's signature is wrong");
  }
  const std::uint64_t apart = tsig.time > ours ? tsig.time - ours : ours - tsig.time;
  if (apart > kFudge) return denied("the answer was signed at another time");
  return {};
}

}  // namespace gatehouse::dns
