// How near the process is to the memory that it may use. One thread notes what is used; all others
// ask, each time for the price of one relaxed load.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace gatehouse::base {

class MemoryBudget {
 public:
  // What is given up, step by step; each includes those before it.
  enum class Level : std::uint8_t {
    kEnough,
    kShort,       // nothing is read ahead of who takes it, nothing is kept for later
    kRefusing,    // new requests and handshakes are refused
    kEndingIdle,  // idle connections are ended
    kFull,        // new connections are not looked at
  };
  // The part of the limit from which each level but the first holds, until what is used has fallen
  // by kBack below that: a level that came and went with each reading would help nobody.
  static constexpr std::array<double, 4> kFrom{0.80, 0.90, 0.95, 1.00};
  static constexpr double kBack = 0.05;

  // Bytes; 0: none, and the level stays kEnough.
  explicit MemoryBudget(std::uint64_t limit) : limit_(limit) {}
  MemoryBudget(const MemoryBudget&) = delete;
  MemoryBudget& operator=(const MemoryBudget&) = delete;

  std::uint64_t limit() const { return limit_; }
  // What is used now, in bytes. One thread.
  void note(std::uint64_t used);

  // --- any thread ---
  Level level() const { return level_.load(std::memory_order_relaxed); }
  // The part that is used; above 1 when it is more.
  double fullness() const { return fullness_.load(std::memory_order_relaxed); }
  bool is_short() const { return level() >= Level::kShort; }
  bool refuses() const { return level() >= Level::kRefusing; }
  bool ends_idle() const { return level() >= Level::kEndingIdle; }
  bool is_full() const { return level() >= Level::kFull; }

 private:
  const std::uint64_t limit_;
  std::atomic<double> fullness_{0};
  std::atomic<Level> level_{Level::kEnough};
};

// Where there is a budget at all; for code that also runs on its own.
inline bool is_short(const MemoryBudget* budget) { return budget != nullptr && budget->is_short(); }

}  // namespace gatehouse::base
