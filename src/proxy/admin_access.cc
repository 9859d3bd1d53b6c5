#include "proxy/admin_access.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/mem.h>
#include <openssl/rand.h>

#include <algorithm>
#include <array>

#include "acme/base64url.h"
#include "base/ip_range.h"
#include "http/ascii.h"

namespace gatehouse::proxy {

namespace {

constexpr std::size_t kTokenBytes = 32;
constexpr std::size_t kTokenLength = 43;  // of these in base64url
constexpr base::Duration kTokenTime{10'000};

bool is_admin_token(std::string_view text) {
  return text.size() == kTokenLength && acme::is_base64url(text, kTokenLength);
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost") return true;
  const auto address = base::Endpoint::from_ip(host, 0);
  return address && (base::IpRange::parse("127.0.0.0/8")->contains(*address) ||
                     base::IpRange::parse("::1")->contains(*address));
}

// Takes as long for a wrong token as for the right one.
bool carries(const http::Fields& fields, std::string_view token) {
  constexpr std::string_view kScheme = "bearer ";
  if (fields.count("Authorization") != 1) return false;
  const std::string_view given = *fields.find("Authorization");
  if (given.size() != kScheme.size() + token.size()) return false;
  if (!std::ranges::equal(given.substr(0, kScheme.size()), kScheme, {}, http::lower)) return false;
  return CRYPTO_memcmp(given.data() + kScheme.size(), token.data(), token.size()) == 0;
}

}  // namespace

base::Task<base::Result<std::string>> load_admin_token(storage::Storage& storage) {
  std::string key(kAdminTokenKey);
  auto token = co_await storage.load(key);
  if (!token || is_admin_token(*token)) co_return token;
  co_return base::fail(base::Code::kDamaged, base::Side::kStorage, key + " holds no token");
}

base::Task<base::Result<std::string>> make_admin_token(storage::Storage& storage) {
  std::string key(kAdminTokenKey);
  const auto lease = co_await storage.lease(key, base::Deadline::in(kTokenTime));
  if (!lease) co_return base::fail(base::Error(lease.error()));
  auto token = co_await load_admin_token(storage);
  if (token) co_return token;
  if (token.error().code != base::Code::kNotFound && token.error().code != base::Code::kDamaged) {
    co_return token;
  }
  std::array<std::uint8_t, kTokenBytes> random{};
  RAND_bytes(random.data(), random.size());
  std::string made = acme::base64url(random);
  const auto stored = co_await storage.store(key, made);
  if (!stored) co_return base::fail(base::Error(stored.error()));
  co_return made;
}

std::string admin_proof(std::string_view token, std::string_view challenge,
                        const config::Address& address) {
  std::string said = "gatehouse admin\n" + address.text() + "\n";
  said += challenge;
  std::array<std::uint8_t, EVP_MAX_MD_SIZE> out{};
  unsigned length = 0;
  HMAC(EVP_sha256(), token.data(), token.size(), reinterpret_cast<const std::uint8_t*>(said.data()),
       said.size(), out.data(), &length);
  return acme::base64url(base::Bytes(out).first(length));
}

bool is_admin_challenge(std::string_view text) {
  return text.size() >= 16 && acme::is_base64url(text, 128);
}

bool is_loopback_only(const config::Address& address) {
  return !address.unix_path.empty() || is_loopback_host(address.host);
}

AdminRefusal refuse_admin(const http::RequestHead& head, const config::Address& address,
                          std::string_view token) {
  AdminRefusal refusal;
  const std::string_view host = head.host();
  if (head.fields.has("Origin")) {
    refusal.status = 403;
    refusal.why = "web pages may not ask here: the request carries Origin";
  } else if (!is_loopback_host(host) && (host.empty() || host != address.host)) {
    refusal.status = 403;
    refusal.why = "Host must be localhost, a loopback address, or the address of admin.listen";
  } else if (head.method == "GET" && head.path() == "/health") {
    refusal.status = 0;
  } else if (!carries(head.fields, token)) {
    refusal.status = 401;
    refusal.why = "the request must carry Authorization: Bearer and the token that storage keeps";
  }
  return refusal;
}

}  // namespace gatehouse::proxy
