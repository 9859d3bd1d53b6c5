#include "tls/certificate_store.h"

#include <array>
#include <cstring>
#include <functional>
#include <mutex>

namespace gatehouse::tls {

namespace {
constexpr std::size_t kLongestKey = 255;
}

std::size_t CertificateStore::Hash::operator()(std::string_view name) const {
  return std::hash<std::string_view>()(name);
}

std::size_t CertificateStore::shard_of(std::string_view name) {
  // The map uses the low bits of the same hash, so the shard is told by the high ones.
  return (Hash()(name) >> 56) % kShards;
}

CertificateRef CertificateStore::find_exact(std::string_view name) const {
  const auto& shard = shards_[shard_of(name)];
  std::shared_lock lock(shard.mutex);
  const auto found = shard.map.find(name);
  return found == shard.map.end() ? nullptr : found->second;
}

CertificateRef CertificateStore::find(std::string_view name) const {
  if (auto exact = find_exact(name)) return exact;
  const auto dot = name.find('.');
  if (dot == std::string_view::npos || name.size() > kLongestKey) return nullptr;
  std::array<char, kLongestKey + 1> wildcard;  // "*" and what follows the first label
  const auto rest = name.substr(dot);
  wildcard[0] = '*';
  std::memcpy(wildcard.data() + 1, rest.data(), rest.size());
  return find_exact({wildcard.data(), rest.size() + 1});
}

void CertificateStore::put(const std::vector<std::string>& names, CertificateRef certificate) {
  for (const auto& name : names) {
    auto& shard = shards_[shard_of(name)];
    CertificateRef replaced = certificate;  // the old one dies outside the lock
    std::lock_guard lock(shard.mutex);
    std::swap(shard.map[name], replaced);
  }
}

void CertificateStore::remove(std::string_view name) {
  auto& shard = shards_[shard_of(name)];
  CertificateRef removed;  // dies outside the lock
  std::lock_guard lock(shard.mutex);
  const auto found = shard.map.find(name);
  if (found == shard.map.end()) return;
  removed = std::move(found->second);
  shard.map.erase(found);
}

std::size_t CertificateStore::size() const {
  std::size_t total = 0;
  for (const auto& shard : shards_) {
    std::shared_lock lock(shard.mutex);
    total += shard.map.size();
  }
  return total;
}

}  // namespace gatehouse::tls
