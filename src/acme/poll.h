// Looking again and again whether a CA has decided.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "acme/failure.h"
#include "base/clock.h"
#include "base/event.h"
#include "base/loop.h"

namespace gatehouse::acme {

// A resource as one look found it.
template <class T>
struct Polled {
  T value;
  std::optional<std::chrono::seconds> retry_after;

  Polled(T v, std::optional<std::chrono::seconds> r) : value(std::move(v)), retry_after(r) {}
};

// Waits between two looks: short at first, since a handshake may be waiting, then doubled; the
// CA's Retry-After goes before, and no look comes sooner. One poll, one loop.
class Poll {
 public:
  static constexpr base::Duration kFirst{100};
  static constexpr base::Duration kLongest{5'000};
  static constexpr unsigned kFailures = 5;  // looks in a row that may fail

  // `what` is polled, for errors.
  Poll(base::Loop& loop, std::string what) : loop_(loop), what_(std::move(what)) {}

  // The next wait.
  base::Duration next(std::optional<std::chrono::seconds> retry_after);

  // Waits after a look that found nothing decided (`failure` null), or failed. Failures: kTimeout
  // when the deadline would pass, with the wait that the CA asked for; `failure` itself when it
  // would not go away or has come too often.
  base::Task<Outcome<>> rest(const Failure* failure,
                             std::optional<std::chrono::seconds> retry_after,
                             base::Deadline deadline);

 private:
  base::Loop& loop_;
  std::string what_;
  base::Duration next_ = kFirst;
  unsigned failures_ = 0;
};

}  // namespace gatehouse::acme
