// Why a message is refused, whatever version carried it.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/abuse_counters.h"

namespace gatehouse::http {

// With which status, and why: a constant sentence. Status 0: it is not refused.
struct Refusal {
  std::uint16_t status = 0;
  std::string_view why;

  Refusal() = default;
  Refusal(std::uint16_t s, std::string_view w) : status(s), why(w) {}
  explicit operator bool() const { return status != 0; }
};

// Counts a refusal by one of our bounds; others are the message's own fault.
inline void count(base::AbuseCounters* counters, const Refusal& refusal) {
  const bool large = refusal.status == 414 || refusal.status == 431;
  if (large) base::count(counters, base::Abuse::kHeadTooLarge);
  if (refusal.status == 413) base::count(counters, base::Abuse::kBodyTooLarge);
}

}  // namespace gatehouse::http
