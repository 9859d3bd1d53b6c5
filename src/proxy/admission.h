// Who may come in: how many connections and handshakes there are, in all and of each client, over
// all workers. A client is an IPv4 address or an IPv6 /64. Any thread.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <mutex>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/endpoint.h"
#include "base/ip_range.h"

namespace gatehouse::proxy {

// Counts one kind of thing; 0 as a bound means none.
class Admission {
 public:
  // `exempt`: addresses that many clients share, which `per_client` does not bind.
  Admission(std::uint64_t in_all, std::uint64_t per_client, std::vector<base::IpRange> exempt = {})
      : in_all_(in_all), per_client_(per_client), exempt_(std::move(exempt)) {}

  // One admitted thing; gives its place back when it dies. Movable.
  class Ticket {
   public:
    Ticket() = default;
    Ticket(Admission* owner, std::string client) : owner_(owner), client_(std::move(client)) {}
    Ticket(Ticket&& other) noexcept
        : owner_(std::exchange(other.owner_, nullptr)), client_(std::move(other.client_)) {}
    Ticket& operator=(Ticket&& other) noexcept {
      std::swap(owner_, other.owner_);
      std::swap(client_, other.client_);
      return *this;
    }
    ~Ticket() {
      if (owner_ != nullptr) owner_->leave(client_);
    }
    explicit operator bool() const { return owner_ != nullptr; }
    // Counts what enter() without a peer admitted for this client as well; false when its bound
    // is reached. Once only.
    bool charge(const base::Endpoint& peer);

   private:
    Admission* owner_ = nullptr;
    std::string client_;
  };

  // A ticket, or an empty one when a bound is reached.
  Ticket enter(const base::Endpoint& peer);
  // The same for a client that is not known yet.
  Ticket enter();
  std::uint64_t count() const { return count_.load(std::memory_order_relaxed); }
  // How much of the bound in all is used, 0 to 1; 0 without a bound.
  double fullness() const {
    return in_all_ == 0 ? 0 : static_cast<double>(count()) / static_cast<double>(in_all_);
  }

 private:
  static constexpr std::size_t kShards = 16;
  struct Shard {
    std::mutex mutex;  // guards `counts`, for one look-up
    std::unordered_map<std::string, std::uint64_t> counts;
  };
  Shard& shard_of(const std::string& client);
  bool count_client(const std::string& client);
  void leave(const std::string& client);

  const std::uint64_t in_all_;
  const std::uint64_t per_client_;
  const std::vector<base::IpRange> exempt_;
  std::atomic<std::uint64_t> count_{0};
  std::array<Shard, kShards> shards_;
};

// What tells one client from another: the IPv4 address, or the first 64 bits of an IPv6 one.
std::string client_of(const base::Endpoint& peer);

}  // namespace gatehouse::proxy
