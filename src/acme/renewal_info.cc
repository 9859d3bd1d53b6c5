#include "acme/renewal_info.h"

#include <algorithm>

#include "acme/base64url.h"
#include "acme/client.h"
#include "acme/document.h"
#include "acme/timestamp.h"

namespace gatehouse::acme {

namespace {

using base::Code;
using base::Side;

int hex_digit(char c) { return c <= '9' ? c - '0' : c - 'a' + 10; }

// Of lower case hex, as LeafFacts has it.
std::string bytes_of(std::string_view hex) {
  std::string out;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    out.push_back(static_cast<char>(hex_digit(hex[i]) * 16 + hex_digit(hex[i + 1])));
  }
  return out;
}

}  // namespace

std::string certificate_id(const tls::LeafFacts& leaf) {
  if (leaf.authority_key_id.empty() || leaf.serial.empty()) return {};
  return base64url(bytes_of(leaf.authority_key_id)) + "." + base64url(bytes_of(leaf.serial));
}

base::Result<RenewalInfo> parse_renewal_info(std::string_view body) {
  const auto object = parse_object(body);
  if (!object) return base::fail(object.error());
  const Json* window = object_at(*object, "suggestedWindow");
  const auto start = parse_timestamp(window == nullptr ? "" : text_at(*window, "start"));
  const auto end = parse_timestamp(window == nullptr ? "" : text_at(*window, "end"));
  if (!start || !end) {
    return base::fail(Code::kMalformed, Side::kCa,
                      "the CA's renewal information has no suggestedWindow of two dates");
  }
  // A window within one second is one, too: fractions were cut off.
  if (*end < *start) {
    return base::fail(Code::kMalformed, Side::kCa,
                      "the suggestedWindow of the CA's renewal information ends before it begins");
  }
  RenewalInfo info;
  info.start = *start;
  info.end = *end;
  info.explanation = printable(text_at(*object, "explanationURL"), kTextBytes);
  info.ask_again = kAskUsually;
  return info;
}

base::Task<Outcome<RenewalInfo>> read_renewal_info(Client& client, std::string certificate_id,
                                                   base::Deadline deadline) {
  auto directory = co_await client.directory(deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  if (directory->renewal_info.empty() || certificate_id.empty()) {
    co_return failed(base::Error(Code::kUnsupported, Side::kCa,
                                 "the CA gives no renewal information for this certificate"));
  }
  std::string url = directory->renewal_info;
  if (!url.ends_with('/')) url += '/';
  url += certificate_id;
  auto answer = co_await client.get("renewal information", std::move(url), deadline);
  if (!answer) co_return failed(std::move(answer.error()));
  auto info = parse_renewal_info(answer->body);
  if (!info) co_return failed(std::move(info.error()));
  if (answer->retry_after) {
    info->ask_again = std::clamp(*answer->retry_after, kAskSoonest, kAskLatest);
  }
  co_return std::move(*info);
}

}  // namespace gatehouse::acme
