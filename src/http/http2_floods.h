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
  // For a DATA frame that we sent. Some gRPC clients measure the way by a PING for each.
  static constexpr std::uint32_t kWindowUpdatesEach = 10;
  static constexpr std::uint32_t kPingsEach = 2;
  static constexpr std::uint32_t kPrioritiesEach = 10;  // for a stream that was opened

  // Of `resets`, over a connection's life. A plain count would cut a browser that has cancelled for
  // hours what it no longer wants, so each stream that ended well allows one more (more than half
  // is too much then), and time forgives what came before an answer.
  static constexpr double kEarlyPart = 0.5;  // this part of them before an answer had begun
  static constexpr double kEarlyForgivenASecond = 1;

  enum class Kind : std::uint8_t { kSettings, kPing, kPriority, kEmptyData, kWindowUpdate };
  enum class Reset : std::uint8_t {
    kEarly,  // by the client, of a request to which no answer had begun (CVE-2023-44487)
    kFault,  // by us, for an error of the client's (CVE-2025-8671)
    kOther,
  };
  static base::Abuse abuse(Kind kind);

  explicit Http2Floods(const Http2FloodLimits& limits) : limits_(limits), tokens_(limits.resets) {}

  // One more frame of that kind. False, from then on, when it is a flood; why() says of what.
  bool count(Kind kind, base::TimePoint now);
  // One more frame for a stream that is over, and that says nothing: counts as kEmptyData. One a
  // stream is free, for the end of a body may cross an answer that came before it.
  bool count_late(base::TimePoint now);
  // One more stream that ended by RST_STREAM for which the peer is to blame.
  bool count_reset(Reset kind, base::TimePoint now);
  // What earns a well-behaved peer more.
  void stream_opened() {
    allowance_[index(Kind::kPriority)] += kPrioritiesEach;
    ++late_allowed_;
  }
  void data_sent() {
    allowance_[index(Kind::kWindowUpdate)] += kWindowUpdatesEach;
    allowance_[index(Kind::kPing)] += kPingsEach;
  }
  void stream_ended_well() {
    ++good_;
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
  std::uint64_t late_allowed_ = 0;
  base::TimePoint window_began_{};
  double tokens_;     // of resets
  double early_ = 0;  // that were not forgiven
  std::uint64_t faults_ = 0;
  std::uint64_t good_ = 0;  // streams
  base::TimePoint refilled_{};
  std::string_view why_;
};

}  // namespace gatehouse::http
