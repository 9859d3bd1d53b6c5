#include "certs/challenge_store.h"

#include <mutex>

namespace gatehouse::certs {

bool ChallengeStore::put_http(std::string token, std::string key_authorization) {
  const std::unique_lock lock(mutex_);
  if (count_.load(std::memory_order_relaxed) >= kInFlight) return false;
  HttpAnswer& answer = http_[std::move(token)];
  answer.key_authorization = std::move(key_authorization);
  ++answer.users;
  count_.fetch_add(1, std::memory_order_release);
  return true;
}

void ChallengeStore::remove_http(std::string_view token) {
  const std::unique_lock lock(mutex_);
  const auto found = http_.find(std::string(token));
  if (found == http_.end()) return;
  if (--found->second.users == 0) http_.erase(found);
  count_.fetch_sub(1, std::memory_order_release);
}

std::optional<std::string> ChallengeStore::find_http(std::string_view token) const {
  if (count_.load(std::memory_order_acquire) == 0) return std::nullopt;
  const std::shared_lock lock(mutex_);
  const auto found = http_.find(std::string(token));
  if (found == http_.end()) return std::nullopt;
  return found->second.key_authorization;
}

bool ChallengeStore::put_tls_alpn(std::string name, tls::CertificateRef certificate) {
  const std::unique_lock lock(mutex_);
  if (count_.load(std::memory_order_relaxed) >= kInFlight) return false;
  tls_alpn_[std::move(name)].push_back(std::move(certificate));
  count_.fetch_add(1, std::memory_order_release);
  return true;
}

void ChallengeStore::remove_tls_alpn(std::string_view name, const tls::CertificateRef& put) {
  const std::unique_lock lock(mutex_);
  const auto found = tls_alpn_.find(std::string(name));
  if (found == tls_alpn_.end()) return;
  const auto removed = std::erase(found->second, put);
  if (found->second.empty()) tls_alpn_.erase(found);
  count_.fetch_sub(removed, std::memory_order_release);
}

tls::CertificateRef ChallengeStore::find_tls_alpn(std::string_view name) const {
  if (count_.load(std::memory_order_acquire) == 0) return nullptr;
  const std::shared_lock lock(mutex_);
  const auto found = tls_alpn_.find(std::string(name));
  return found == tls_alpn_.end() ? nullptr : found->second.back();
}

}  // namespace gatehouse::certs
