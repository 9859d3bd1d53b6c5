#include "proxy/admission.h"

#include <netinet/in.h>

#include <cstring>
#include <functional>

namespace gatehouse::proxy {

namespace {

// What a translator puts before the IPv4 addresses of clients (RFC 6052 2.1), which are many.
bool is_translated(const in6_addr& v6) {
  static constexpr std::uint8_t kPrefix[12] = {0x00, 0x64, 0xff, 0x9b};
  return std::memcmp(&v6, kPrefix, sizeof kPrefix) == 0;
}

}  // namespace

std::string client_of(const base::Endpoint& peer) {
  const auto* address = peer.address();
  if (peer.family() == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in*>(address)->sin_addr;
    return std::string(reinterpret_cast<const char*>(&v4), sizeof v4);
  }
  if (peer.family() == AF_INET6) {
    const auto& v6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
    const auto* bytes = reinterpret_cast<const char*>(&v6);
    if (IN6_IS_ADDR_V4MAPPED(&v6) || is_translated(v6)) return std::string(bytes + 12, 4);
    return std::string(bytes, 8);
  }
  return "unix";
}

Admission::Shard& Admission::shard_of(const std::string& client) {
  return shards_[std::hash<std::string>()(client) % kShards];
}

Admission::Ticket Admission::enter() {
  if (count_.fetch_add(1, std::memory_order_relaxed) >= in_all_ && in_all_ != 0) {
    count_.fetch_sub(1, std::memory_order_relaxed);
    return {};
  }
  return Ticket(this, std::string());
}

Admission::Ticket Admission::enter(const base::Endpoint& peer) {
  auto ticket = enter();
  return ticket && ticket.charge(peer) ? std::move(ticket) : Ticket();
}

bool Admission::Ticket::charge(const base::Endpoint& peer) {
  if (owner_->per_client_ == 0 || base::contains(owner_->exempt_, peer)) return true;
  auto client = client_of(peer);
  if (!owner_->count_client(client)) return false;
  client_ = std::move(client);
  return true;
}

bool Admission::count_client(const std::string& client) {
  auto& shard = shard_of(client);
  std::lock_guard lock(shard.mutex);
  auto& count = shard.counts[client];
  if (count >= per_client_) return false;
  ++count;
  return true;
}

void Admission::leave(const std::string& client) {
  count_.fetch_sub(1, std::memory_order_relaxed);
  if (client.empty()) return;
  auto& shard = shard_of(client);
  std::lock_guard lock(shard.mutex);
  const auto found = shard.counts.find(client);
  if (found != shard.counts.end() && --found->second == 0) shard.counts.erase(found);
}

}  // namespace gatehouse::proxy
