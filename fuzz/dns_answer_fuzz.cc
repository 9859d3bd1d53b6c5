// Whatever a DNS server, or somebody on the way, may answer.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "dns/lookup.h"
#include "dns/tsig.h"

using namespace gatehouse;

namespace {

void check(bool holds) {
  if (!holds) std::abort();
}

// 255 octets (RFC 1035 2.3.4), each written as \\DDD at most. Compression lets a short message hold
// a name of that length.
constexpr std::size_t kLongestName = 4 * 255;
constexpr std::size_t kFlags = 3;  // of a CAA, a byte as digits

void read(std::string_view bytes, dns::Type type) {
  const auto answer = dns::read_answer(bytes, 0x1234, "a.example", type);
  if (!answer) return;
  for (const auto* section : {&answer->answers, &answer->authority}) {
    for (const dns::Record& record : *section) {
      check(record.value.size() <= std::max(bytes.size() + kFlags, kLongestName));
      check(dns::plain_name(record.name) == record.name);
    }
  }
  const std::string zone = dns::zone_in(*answer, "a.example");
  check(zone.empty() || zone == "a.example" || zone == "example");
  (void)dns::rcode_name(answer->rcode);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  for (const auto type : {dns::Type::kTxt, dns::Type::kSoa, dns::Type::kCname, dns::Type::kCaa})
    read(bytes, type);
  dns::TsigKey key;
  key.name = "gate.example";
  key.secret = "secret";
  const base::WallTime now(std::chrono::seconds(1'700'000'000));
  const auto verified = dns::verify(bytes, key, "mac", now);
  check(verified || !verified.error().detail.empty());
  return 0;
}
