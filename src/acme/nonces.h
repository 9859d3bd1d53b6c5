// A CA's one-time values, kept for the next request (RFC 8555 6.5).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"

namespace gatehouse::acme {

// Newest first out. One loop, its thread.
class Nonces {
 public:
  static constexpr std::size_t kKept = 64;         // the oldest goes first
  static constexpr base::Duration kAge{300'000};   // CAs forget them; a refused one costs a request
  static constexpr std::size_t kNonceBytes = 512;  // longer ones are ignored

  // Keeps `nonce`, seen at `now`, unless it is none (RFC 8555 6.5.1).
  void keep(std::string_view nonce, base::TimePoint now);
  // The newest that is not too old; empty when there is none.
  std::string take(base::TimePoint now);
  std::size_t size() const { return kept_.size(); }

 private:
  struct Kept {
    std::string nonce;
    base::TimePoint since;
  };
  std::vector<Kept> kept_;
};

}  // namespace gatehouse::acme
