// Keeps orders away from an issuer that errs for everybody, so that not every name finds out by
// itself.
#pragma once

#include <algorithm>
#include <chrono>

#include "base/clock.h"

namespace gatehouse::certs {

// Closed: every order goes. After kFailures in a row: open, none goes for a pause. After that one
// goes, to see; when it succeeds all go again, else the pause doubles. One loop.
class Breaker {
 public:
  static constexpr unsigned kFailures = 5;
  static constexpr std::chrono::seconds kForgotten = std::chrono::minutes(10);  // failures older
  static constexpr std::chrono::seconds kFirstPause = std::chrono::minutes(1);
  static constexpr std::chrono::seconds kLongestPause = std::chrono::minutes(30);
  static constexpr std::chrono::seconds kLongestRest = std::chrono::hours(24);
  // An order that does not come back for so long is not waited for: most last five minutes.
  static constexpr std::chrono::seconds kProbe = std::chrono::minutes(6);

  explicit Breaker(std::chrono::seconds longest = kLongestPause) : longest_(longest) {}

  // Whether an order may go now. Who gets a yes tells how it ended.
  bool take(base::WallTime now) {
    if (!open()) return true;
    // A moment beyond every pause is one of a clock that has been set back since.
    if (now < next_ && next_ <= now + kLongestRest) return false;
    next_ = now + kProbe;
    probing_ = true;
    return true;
  }
  // The issuer answered, be it with a no to this one order.
  void answered() { *this = Breaker(longest_); }
  // Its trouble concerns all orders. Those that were on their way when it opened change nothing.
  void failed(base::WallTime now) {
    if (open() && !probing_) return;
    if (!open() && now - last_ > kForgotten) failures_ = 0;
    last_ = now;
    if (!open() && ++failures_ < kFailures) return;
    probing_ = false;
    next_ = now + pause_;
    pause_ = std::min(pause_ * 2, longest_);
  }

  // The issuer wants to be left alone by everybody until then; kLongestRest at most.
  void rest(base::WallTime now, std::chrono::seconds pause) {
    failures_ = kFailures;
    probing_ = false;
    next_ = std::max(next_, now + std::min(pause, kLongestRest));
  }

  bool open() const { return failures_ >= kFailures; }
  // While open: when the next order may go.
  base::WallTime next() const { return next_; }

 private:
  std::chrono::seconds longest_;
  unsigned failures_ = 0;
  bool probing_ = false;  // one order is on its way, to see
  base::WallTime last_{};
  base::WallTime next_{};
  std::chrono::seconds pause_ = kFirstPause;
};

}  // namespace gatehouse::certs
