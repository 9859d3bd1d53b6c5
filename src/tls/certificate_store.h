// Names to certificates, for every handshake of every worker: the exact name first, then the
// wildcard one label up. Sharded; a reader's lock is held for one look-up, without I/O or
// allocation under it. Any thread.
#pragma once

#include <array>
#include <boost/unordered/unordered_flat_map.hpp>
#include <shared_mutex>
#include <string>
#include <string_view>
#include <vector>

#include "tls/certificate.h"

namespace gatehouse::tls {

class CertificateStore {
 public:
  // The certificate for `name` (lower case), or null. One past its dates is still returned: who
  // serves it decides.
  CertificateRef find(std::string_view name) const;
  // Exactly under this name ("*.example.com" too), or null.
  CertificateRef find_exact(std::string_view name) const;
  // Serves `certificate` for each of `names` ("*.example.com" is a wildcard of one label), in
  // place of what was there for them.
  void put(const std::vector<std::string>& names, CertificateRef certificate);
  void remove(std::string_view name);
  std::size_t size() const;

 private:
  static constexpr std::size_t kShards = 64;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const;
  };
  struct Shard {
    mutable std::shared_mutex mutex;  // guards `map`
    boost::unordered_flat_map<std::string, CertificateRef, Hash, std::equal_to<>> map;
  };
  static std::size_t shard_of(std::string_view name);

  std::array<Shard, kShards> shards_;
};

}  // namespace gatehouse::tls
