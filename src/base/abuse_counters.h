// How often each bound that protects the process was met: by attackers, or by a site whose bounds
// are too narrow for it (RFC 9113 10.5). Any thread; a count costs one relaxed atomic addition.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

namespace gatehouse::base {

// docs/configuration.md says by which key each is bounded.
enum class Abuse : std::uint8_t {
  kSlowHead,
  kSlowBody,
  kSlowReader,
  kHeadTooLarge,
  kBodyTooLarge,
  kStreams,
  kResets,
  kSettings,
  kPings,
  kPriorities,
  kEmptyData,
  kWindowUpdates,
  kContinuations,
  kConnections,
  kIdleEnded,
  kHandshakes,
  kWaitingHandshakes,
  kHandshakeStalled,
  kHandshakeRate,
  kOrders,
  kNewNames,
  kMemory,
};

class AbuseCounters {
 public:
  static constexpr std::size_t kKinds = 22;

  void count(Abuse kind) {
    counts_[static_cast<std::size_t>(kind)].fetch_add(1, std::memory_order_relaxed);
  }
  // Since the start of the process.
  std::uint64_t of(Abuse kind) const {
    return counts_[static_cast<std::size_t>(kind)].load(std::memory_order_relaxed);
  }

 private:
  std::array<std::atomic<std::uint64_t>, kKinds> counts_{};
};

// Counts where somebody counts; for code that also runs on its own.
inline void count(AbuseCounters* counters, Abuse kind) {
  if (counters != nullptr) counters->count(kind);
}

// As logs name it: "slow_head".
std::string_view name(Abuse kind);

}  // namespace gatehouse::base
