// The breakers of issuers by their ids, kept in storage as long as they are open: a restart must
// not ask again who wants to be left alone.
#pragma once

#include <string>
#include <unordered_map>

#include "base/loop.h"
#include "certs/breaker.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// Keys: breakers/<issuer id>. As many as issuers at most. On control's loop.
class Breakers {
 public:
  // It outlives this.
  explicit Breakers(storage::Storage& storage) : storage_(storage) {}

  // Reads what an earlier life, or another process, has left; the first time only. What cannot be
  // read is as if there were none.
  base::Task<void> know(std::string issuer, base::WallTime now);
  // Stays where it is.
  Breaker& of(const std::string& issuer) { return breakers_[issuer].breaker; }
  // Writes down until when the issuer is left alone, or that it is not any more, where that has
  // changed. Storage that fails leaves what memory knows.
  base::Task<void> keep(std::string issuer);

 private:
  struct Kept {
    Breaker breaker;
    bool known = false;      // storage was asked
    base::WallTime until{};  // as storage has it; zero: it has none
  };

  storage::Storage& storage_;
  std::unordered_map<std::string, Kept> breakers_;
};

}  // namespace gatehouse::certs
