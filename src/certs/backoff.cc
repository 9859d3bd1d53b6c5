#include "certs/backoff.h"

#include <algorithm>
#include <cstdint>

namespace gatehouse::certs {

namespace {

// FNV-1a: the spread must be the same in every process that looks at the name.
std::uint64_t hash_of(std::string_view text) {
  std::uint64_t hash = 14695981039346656037ULL;
  for (const char c : text) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 1099511628211ULL;
  }
  return hash;
}

}  // namespace

std::chrono::seconds retry_delay(unsigned failures, double random) {
  using std::chrono::minutes;
  std::chrono::seconds base = std::chrono::hours(24);
  if (failures <= 1) base = minutes(1);
  if (failures == 2) base = minutes(10);
  if (failures == 3) base = minutes(100);
  const double factor = 0.9 + 0.2 * random;
  return std::chrono::seconds(
      static_cast<std::int64_t>(static_cast<double>(base.count()) * factor));
}

base::WallTime renewal_due(std::string_view name, base::WallTime not_before,
                           base::WallTime not_after, base::WallTime obtained) {
  const base::WallTime from = std::min(std::max(obtained, not_before), not_after);
  const std::int64_t life = (not_after - from).count();
  // -2 % to +2 % of the life, in steps of 0.001 %.
  const auto spread = static_cast<std::int64_t>(hash_of(name) % 4001) - 2000;
  const std::int64_t after = life * 2 / 3 + life / 100'000 * spread;
  return std::max(from + std::chrono::seconds(after), obtained + kSettle);
}

}  // namespace gatehouse::certs
