// Counts on one HTTP/2 connection what only floods have much of, whatever the library under it
// bounds by itself (RFC 9113 10.5). Plain arithmetic: who asks acts.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "base/clock.h"
#include "http/http2_options.h"

namespace gatehouse::http {

class Http2Floods {
 public:
  static constexpr base::Duration kWindow{10'000};
  static constexpr std::uint32_t kResetsASecond = 10;
  static constexpr std::uint32_t kWindowUpdatesEach = 10;  // for a DATA frame that we sent
  static constexpr std::uint32_t kPrioritiesEach = 10;     // for a stream that was opened

  enum class Kind : std::uint8_t { kSettings, kPing, kPriority, kEmptyData, kWindowUpdate };
  static base::Abuse abuse(Kind kind);

  explicit Http2Floods(const Http2FloodLimits& limits) : limits_(limits), tokens_(limits.resets) {}

  // One more frame of that kind. False, from then on, when it is a flood; why() says of what.
  bool count(Kind kind, base::TimePoint now);
  // One more stream that ended by RST_STREAM for which the peer is to blame.
  bool count_reset(base::TimePoint now);
  // What earns a well-behaved peer more.
  void stream_opened() { allowance_[index(Kind::kPriority)] += kPrioritiesEach; }
  void data_sent() { allowance_[index(Kind::kWindowUpdate)] += kWindowUpdatesEach; }
  void stream_ended_well() {
    if (tokens_ < limits_.resets) tokens_ += 1;
  }

  // Of what there were too many; empty when of nothing.
  std::string_view why() const { return why_; }

 private:
  static constexpr std::size_t kKinds = 5;
  static std::size_t index(Kind kind) { return static_cast<std::size_t>(kind); }
  std::uint32_t limit(Kind kind) const;

  Http2FloodLimits limits_;
  std::array<std::uint32_t, kKinds> counts_{};
  std::array<std::uint64_t, kKinds> allowance_{};
  base::TimePoint window_began_{};
  double tokens_;  // of resets
  base::TimePoint refilled_{};
  std::string_view why_;
};

}  // namespace gatehouse::http
