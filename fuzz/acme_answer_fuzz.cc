// Whatever a CA, or a proxy before it, may answer: each document's reader with the same bytes.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "acme/authorization.h"
#include "acme/base64url.h"
#include "acme/certificate.h"
#include "acme/directory.h"
#include "acme/link.h"
#include "acme/order.h"
#include "acme/problem.h"
#include "acme/renewal_info.h"
#include "acme/retry_after.h"
#include "acme/url.h"

using namespace gatehouse;

namespace {

constexpr std::string_view kUrl = "https://ca.test/acme/1";

void check(bool holds) {
  if (!holds) std::abort();
}

void read_documents(std::string_view body) {
  if (const auto directory = acme::parse_directory(kUrl, body)) {
    check(directory->new_nonce.starts_with("https://"));
    check(directory->new_order.starts_with("https://"));
  }
  if (const auto order = acme::parse_order(kUrl, body)) {
    check(!order->status.empty());
    for (const auto& url : order->authorizations) check(url.starts_with("https://"));
  }
  if (const auto authorization = acme::parse_authorization(kUrl, body)) {
    for (const auto& challenge : authorization->challenges) {
      check(challenge.token.empty() ||
            acme::is_base64url(challenge.token, acme::Challenge::kTokenBytes));
    }
  }
  if (const auto info = acme::parse_renewal_info(body)) check(info->start <= info->end);
  const acme::Problem problem = acme::parse_problem(400, body);
  (void)problem.handling();
  for (const char c : problem.text()) check(static_cast<unsigned char>(c) >= 0x20);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  read_documents(bytes);
  (void)acme::check_pem_chain(bytes);
  (void)acme::resolve_url(kUrl, bytes);
  check(acme::link_targets(bytes, "alternate").size() <= acme::kLinks);
  if (const auto decoded = acme::decode_base64(bytes)) {
    check(acme::decode_base64(acme::base64url(*decoded)) == *decoded);
  }
  const base::WallTime now{std::chrono::seconds(784111777)};
  for (const auto& wait : {acme::parse_retry_after(bytes, now), acme::retry_after_in(bytes, now)}) {
    if (wait) check(wait->count() >= 0 && *wait <= acme::kLongestRetryAfter);
  }
  return 0;
}
