#include "tls/certificate_store.h"

#include <array>
#include <cstring>
#include <functional>
#include <mutex>
#include <utility>

namespace gatehouse::tls {

namespace {

constexpr std::size_t kLongestKey = 255;

bool is_of(const CertificateRef& certificate, KeyKinds keys) {
  return certificate && certificate->is_of(keys);
}

}  // namespace

std::size_t CertificateStore::Hash::operator()(std::string_view name) const {
  return std::hash<std::string_view>()(name);
}

std::size_t CertificateStore::shard_of(std::string_view name) {
  // The map uses the low bits of the same hash, so the shard is told by the high ones.
  return (Hash()(name) >> 56) % kShards;
}

// The usual name has one, and costs one comparison.
const CertificateRef& CertificateStore::choose(const Entry& entry, KeyKinds keys,
                                               base::WallTime now) {
  if (!entry.other) return entry.first;
  const bool first = (entry.first->key_kind() & keys) != 0;
  const bool other = (entry.other->key_kind() & keys) != 0;
  if (first && (!other || entry.first->valid_at(now))) return entry.first;
  if (other && (!first || entry.other->valid_at(now))) return entry.other;
  return entry.first;
}

template <class Choose>
CertificateRef CertificateStore::look_up(std::string_view name, Choose choose) const {
  const auto& shard = shards_[shard_of(name)];
  std::shared_lock lock(shard.mutex);
  const auto found = shard.map.find(name);
  return found == shard.map.end() ? nullptr : choose(found->second);
}

template <class Choose>
CertificateRef CertificateStore::look_up_with_wildcard(std::string_view name, Choose choose) const {
  if (auto exact = look_up(name, choose)) return exact;
  const auto dot = name.find('.');
  if (dot == std::string_view::npos || name.size() > kLongestKey) return nullptr;
  std::array<char, kLongestKey + 1> wildcard;  // "*" and what follows the first label
  const auto rest = name.substr(dot);
  wildcard[0] = '*';
  std::memcpy(wildcard.data() + 1, rest.data(), rest.size());
  return look_up({wildcard.data(), rest.size() + 1}, choose);
}

CertificateRef CertificateStore::find(std::string_view name) const {
  return look_up_with_wildcard(name, [](const Entry& entry) { return entry.first; });
}

CertificateRef CertificateStore::find(std::string_view name, KeyKinds keys,
                                      base::WallTime now) const {
  return look_up_with_wildcard(
      name, [=](const Entry& entry) -> CertificateRef { return choose(entry, keys, now); });
}

CertificateRef CertificateStore::find_exact(std::string_view name, KeyKinds keys) const {
  return look_up(name, [=](const Entry& entry) -> CertificateRef {
    if (is_of(entry.first, keys)) return entry.first;
    return is_of(entry.other, keys) ? entry.other : nullptr;
  });
}

void CertificateStore::put(const std::vector<std::string>& names, CertificateRef certificate,
                           KeyKinds keys) {
  for (const auto& name : names) {
    auto& shard = shards_[shard_of(name)];
    Entry before;  // dies outside the lock
    std::lock_guard lock(shard.mutex);
    Entry& entry = shard.map[name];
    before = entry;
    entry.other = nullptr;
    for (const auto& kept : {before.first, before.other}) {
      if (kept && !is_of(kept, keys)) entry.other = kept;
    }
    entry.first = certificate;
    if (entry.other && (entry.other->key_kind() == kRsaKeys) == rsa_first_) {
      std::swap(entry.first, entry.other);
    }
  }
}

void CertificateStore::remove(std::string_view name, KeyKinds keys) {
  auto& shard = shards_[shard_of(name)];
  Entry before;  // dies outside the lock
  std::lock_guard lock(shard.mutex);
  const auto found = shard.map.find(name);
  if (found == shard.map.end()) return;
  Entry& entry = found->second;
  before = entry;
  if (is_of(entry.other, keys)) entry.other = nullptr;
  if (is_of(entry.first, keys)) entry.first = std::exchange(entry.other, nullptr);
  if (!entry.first) shard.map.erase(found);
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
