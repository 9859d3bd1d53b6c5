#include "base/log_rate.h"

#include <chrono>
#include <functional>

namespace gatehouse::base::log {

namespace {

constexpr unsigned kHalf = 32;

std::uint64_t second_of(TimePoint now) {
  const auto since = std::chrono::floor<std::chrono::seconds>(now.time_since_epoch());
  return static_cast<std::uint64_t>(since.count());
}

// How many of a second's lines were more than are written.
std::uint64_t beyond(std::uint64_t lines) {
  const auto count = static_cast<std::uint32_t>(lines);
  return count > LogRate::kPerSecond ? count - LogRate::kPerSecond : 0;
}

}  // namespace

LogRate::Kind& LogRate::kind_of(const char* sentence) {
  const auto home = std::hash<const char*>()(sentence) % kKinds;
  for (std::size_t i = 0; i < kKinds; ++i) {
    auto& kind = kinds_[(home + i) % kKinds];
    const char* owner = kind.sentence.load(std::memory_order_relaxed);
    if (owner == nullptr) kind.sentence.compare_exchange_strong(owner, sentence);
    if (owner == nullptr || owner == sentence) return kind;
  }
  return kinds_[home];
}

LogRate::Verdict LogRate::take(Level level, Sentence sentence, TimePoint now) {
  auto& kind = kind_of(sentence.text());
  kind.level.store(level, std::memory_order_relaxed);
  const auto second = second_of(now);
  auto old = kind.lines.load(std::memory_order_relaxed);
  for (;;) {
    const bool fresh = old >> kHalf < second;
    const auto lines = fresh ? (second << kHalf) + 1 : old + 1;
    if (!kind.lines.compare_exchange_weak(old, lines, std::memory_order_relaxed)) continue;
    Verdict verdict;
    verdict.write = beyond(lines) == 0;
    if (fresh) verdict.left_out = beyond(old);
    return verdict;
  }
}

std::uint64_t LogRate::collect(Kind& kind, TimePoint now) {
  auto old = kind.lines.load(std::memory_order_relaxed);
  for (;;) {
    const auto count = beyond(old);
    if (count == 0 || old >> kHalf >= second_of(now)) return 0;
    if (kind.lines.compare_exchange_weak(old, old - count, std::memory_order_relaxed)) return count;
  }
}

}  // namespace gatehouse::base::log
