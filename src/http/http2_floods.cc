#include "http/http2_floods.h"

#include <algorithm>

namespace gatehouse::http {

namespace {

constexpr std::array<std::string_view, 5> kNames = {
    "too many SETTINGS frames", "too many PING frames", "too many PRIORITY frames",
    "too many empty DATA frames", "too many WINDOW_UPDATE frames"};

}  // namespace

base::Abuse Http2Floods::abuse(Kind kind) {
  constexpr std::array<base::Abuse, kKinds> kAbuses = {
      base::Abuse::kSettings, base::Abuse::kPings, base::Abuse::kPriorities,
      base::Abuse::kEmptyData, base::Abuse::kWindowUpdates};
  return kAbuses[index(kind)];
}

std::uint32_t Http2Floods::limit(Kind kind) const {
  switch (kind) {
    case Kind::kSettings: return limits_.settings;
    case Kind::kPing: return limits_.pings;
    case Kind::kPriority: return limits_.priorities;
    case Kind::kEmptyData: return limits_.empty_data;
    case Kind::kWindowUpdate: return limits_.window_updates;
  }
  return 0;
}

bool Http2Floods::count(Kind kind, base::TimePoint now) {
  if (now - window_began_ > kWindow) {
    window_began_ = now;
    counts_.fill(0);
    allowance_.fill(0);
  }
  const auto i = index(kind);
  const auto most = limit(kind);
  if (++counts_[i] > most + allowance_[i] && most != 0) why_ = kNames[i];
  return why_.empty();
}

bool Http2Floods::count_late(base::TimePoint now) {
  if (late_allowed_ == 0) return count(Kind::kEmptyData, now);
  --late_allowed_;
  return why_.empty();
}

bool Http2Floods::count_reset(Reset kind, base::TimePoint now) {
  const double most = limits_.resets;
  if (most == 0) return why_.empty();
  const std::chrono::duration<double> passed = now - refilled_;
  refilled_ = now;
  tokens_ = std::min(most, tokens_ + passed.count() * kResetsASecond) - 1;
  early_ = std::max(0.0, early_ - passed.count() * kEarlyForgivenASecond);
  if (kind == Reset::kEarly) early_ += 1;
  if (kind == Reset::kFault) ++faults_;
  const auto good = static_cast<double>(good_);
  const bool flood = tokens_ < 0 || early_ > most * kEarlyPart + good ||
                     static_cast<double>(faults_) > most + good;
  if (flood) why_ = "too many streams that ended by RST_STREAM";
  return why_.empty();
}

}  // namespace gatehouse::http
