#include "tls/staple.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

#include <utility>

namespace gatehouse::tls {

void Staple::put(std::string response, base::WallTime until) {
  auto next = std::make_shared<const Response>(Response{std::move(response), until});
  const std::lock_guard lock(mutex_);
  std::swap(response_, next);  // the old one dies outside the lock
}

void Staple::clear() {
  std::shared_ptr<const Response> none;
  const std::lock_guard lock(mutex_);
  std::swap(response_, none);
}

std::shared_ptr<const Staple::Response> Staple::held() const {
  const std::lock_guard lock(mutex_);
  return response_;
}

void Staple::install(SSL* ssl, base::WallTime now) const {
  const auto response = held();
  if (!response || response->until <= now) return;
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(response->der.data());
  if (SSL_set_ocsp_response(ssl, bytes, response->der.size()) != 1) ERR_clear_error();
}

base::WallTime Staple::until() const {
  const auto response = held();
  return response ? response->until : base::WallTime::min();
}

}  // namespace gatehouse::tls
