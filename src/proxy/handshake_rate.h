// How many TLS handshakes a second each client begins, over all workers. Resumed ones count too:
// beside an ECDSA key they cost nearly as much as full ones.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <vector>

#include "base/clock.h"
#include "base/endpoint.h"
#include "base/ip_range.h"

namespace gatehouse::proxy {

// Counts without a list of clients, so none has to be thrown out when there are many, and nobody
// gets a fresh start by that: a table of fixed size (512 KiB) has kRows rows of kCells cells, and a
// client has the cell of each row that its keyed hash says. A cell fills with each handshake of
// those who share it and empties by the clock. A client is refused when all its cells are full, so
// one honest client is hit by others' floods only if in each row somebody floods the same cell: of
// 5000 clients at once that flood, about one bystander in 200 is. The key is secret, so nobody can
// choose whose cells to fill. Any thread, without a lock; those that ask at the very same moment
// may count as one.
class HandshakeRate {
 public:
  using Key = std::array<std::uint64_t, 2>;
  static constexpr std::size_t kRows = 4;
  static constexpr std::size_t kCells = 1 << 14;
  static constexpr unsigned kBurst = 5;  // seconds' worth that may come at once

  // 0 a second: no bound. `exempt`: addresses that many clients share.
  HandshakeRate(std::uint64_t per_second, std::vector<base::IpRange> exempt,
                const Key& key = secret_key());

  // Whether this client may begin one more; counts it then.
  bool take(const base::Endpoint& peer, base::TimePoint now);

 private:
  using Cell = std::atomic<std::int64_t>;  // when it will be empty, in nanoseconds of the clock
  static Key secret_key();
  std::array<Cell*, kRows> cells_of(const base::Endpoint& peer);

  const std::int64_t interval_;  // nanoseconds of one handshake; 0: no bound
  const std::int64_t depth_;     // how far ahead of the clock a cell may be filled
  const std::vector<base::IpRange> exempt_;
  const Key key_;
  std::vector<Cell> cells_;
};

}  // namespace gatehouse::proxy
