#include "proxy/handshake_rate.h"

#include <openssl/rand.h>
#include <openssl/siphash.h>

#include <algorithm>

#include "base/buffer.h"
#include "proxy/admission.h"

namespace gatehouse::proxy {

namespace {

constexpr std::int64_t kSecond = 1'000'000'000;

}  // namespace

HandshakeRate::HandshakeRate(std::uint64_t per_second, std::vector<base::IpRange> exempt,
                             const Key& key)
    : interval_(per_second == 0 ? 0 : kSecond / static_cast<std::int64_t>(per_second)),
      depth_(kBurst * kSecond - interval_),
      exempt_(std::move(exempt)),
      key_(key),
      cells_(per_second == 0 ? 0 : kRows * kCells) {}

HandshakeRate::Key HandshakeRate::secret_key() {
  Key key;
  RAND_bytes(reinterpret_cast<std::uint8_t*>(key.data()), sizeof key);
  return key;
}

std::array<HandshakeRate::Cell*, HandshakeRate::kRows> HandshakeRate::cells_of(
    const base::Endpoint& peer) {
  const auto client = client_of(peer);
  const auto bytes = base::as_bytes(client);
  auto hash = SIPHASH_24(key_.data(), bytes.data(), bytes.size());
  std::array<Cell*, kRows> cells;
  for (std::size_t row = 0; row < kRows; ++row) {
    cells[row] = &cells_[row * kCells + hash % kCells];
    hash /= kCells;
  }
  return cells;
}

bool HandshakeRate::take(const base::Endpoint& peer, base::TimePoint now) {
  if (interval_ == 0 || base::contains(exempt_, peer)) return true;
  const std::chrono::nanoseconds since_start = now.time_since_epoch();
  const auto cells = cells_of(peer);
  // The emptiest of its cells is the nearest to what this client did by itself.
  auto filled = cells.front()->load(std::memory_order_relaxed);
  for (const auto* cell : cells) filled = std::min(filled, cell->load(std::memory_order_relaxed));
  filled = std::max<std::int64_t>(filled, since_start.count());
  if (filled - since_start.count() > depth_) return false;
  filled += interval_;
  for (auto* cell : cells) {
    auto old = cell->load(std::memory_order_relaxed);
    while (old < filled && !cell->compare_exchange_weak(old, filled, std::memory_order_relaxed)) {
    }
  }
  return true;
}

}  // namespace gatehouse::proxy
