// Host names to addresses, on threads of its own, so that a slow DNS server delays only who asked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/endpoint.h"

namespace gatehouse::base {

class Resolver {
 public:
  static constexpr std::size_t kThreads = 4;

  Resolver() : pool_(kThreads) {}

  // Addresses of `host` in the order in which to try them (at most 16), through the machine's own
  // resolver (/etc/hosts, DNS). An IP literal is answered at once. May be called on any loop; the
  // answer comes on the caller's. Errors: kNotFound; kTimeout at the deadline (the query itself
  // ends in the background); kOverload. All may be retried.
  Task<Result<std::vector<Endpoint>>> resolve(Loop& loop, std::string host, std::uint16_t port,
                                              Deadline deadline);

  // Whether no query runs.
  bool idle() const { return pool_.idle(); }
  // Waits for queries that run; none may be started after it. At the end of the process.
  void join() { pool_.join(); }

 private:
  BlockingPool pool_;
};

}  // namespace gatehouse::base
