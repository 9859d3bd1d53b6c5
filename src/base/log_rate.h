// Keeps floods out of the log: of each kind of line so many a second are written, and of the rest
// how many there were. A kind is a sentence in our source, so that strangers, whatever they send,
// make no new ones.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "base/clock.h"
#include "base/log.h"

namespace gatehouse::base::log {

// Any thread, without a lock: a line costs one atomic exchange.
class LogRate {
 public:
  static constexpr std::uint32_t kPerSecond = 10;
  // There are some forty sentences at warn and error. Were there more than this, the last ones
  // would share the rates of others.
  static constexpr std::size_t kKinds = 128;

  struct Verdict {
    bool write = true;
    std::uint64_t left_out = 0;  // lines before this one that were not written, and not told of
  };
  // Counts a line. Its kind is where its sentence lies.
  Verdict take(Level level, Sentence sentence, TimePoint now);

  // Calls `tell(Level, const char* sentence, std::uint64_t count)` for each kind of which lines
  // were left out before this second; no line is told of twice.
  template <class Tell>
  void collect(TimePoint now, Tell tell) {
    for (auto& kind : kinds_) {
      const auto count = collect(kind, now);
      if (count != 0) tell(kind.level.load(), kind.sentence.load(), count);
    }
  }

 private:
  struct Kind {
    std::atomic<const char*> sentence{nullptr};
    std::atomic<Level> level{Level::kWarn};
    std::atomic<std::uint64_t> lines{
        0};  // their second in the upper half, their number in the lower
  };
  Kind& kind_of(const char* sentence);
  static std::uint64_t collect(Kind& kind, TimePoint now);

  std::array<Kind, kKinds> kinds_;
};

}  // namespace gatehouse::base::log
