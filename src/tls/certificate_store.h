// Names to certificates, for every handshake of every worker: the exact name first, then the
// wildcard one label up. A name has one certificate, or one with an ECDSA and one with an RSA key.
// Sharded; a reader's lock is held for one look-up, without I/O or allocation under it. Any thread.
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
  // RSA certificates are shown to who can check both; else ECDSA ones. Before anything is put.
  void prefer_rsa() { rsa_first_ = true; }

  // The certificate for `name` (lower case), or null: the preferred of two. One past its dates is
  // still returned: who serves it decides.
  CertificateRef find(std::string_view name) const;
  // The same for a client that can check signatures of `keys` (RFC 8446 4.4.2.2): of two the first
  // that it can check and that is valid at `now`, else one that it can check, else the preferred.
  CertificateRef find(std::string_view name, KeyKinds keys, base::WallTime now) const;
  // Exactly under this name ("*.example.com" too), with a key of these kinds; or null.
  CertificateRef find_exact(std::string_view name, KeyKinds keys = kAllKeys) const;
  // Serves `certificate` for each of `names` ("*.example.com" is a wildcard of one label), in
  // place of what was there for them with keys of these kinds.
  void put(const std::vector<std::string>& names, CertificateRef certificate,
           KeyKinds keys = kAllKeys);
  // What has a key of these kinds.
  void remove(std::string_view name, KeyKinds keys = kAllKeys);
  // Names.
  std::size_t size() const;

 private:
  static constexpr std::size_t kShards = 64;
  struct Hash {
    using is_transparent = void;
    std::size_t operator()(std::string_view name) const;
  };
  struct Entry {
    CertificateRef first;
    CertificateRef other;  // mostly none
  };
  struct Shard {
    mutable std::shared_mutex mutex;  // guards `map`
    boost::unordered_flat_map<std::string, Entry, Hash, std::equal_to<>> map;
  };
  static std::size_t shard_of(std::string_view name);
  static const CertificateRef& choose(const Entry& entry, KeyKinds keys, base::WallTime now);
  template <class Choose>
  CertificateRef look_up(std::string_view name, Choose choose) const;
  template <class Choose>
  CertificateRef look_up_with_wildcard(std::string_view name, Choose choose) const;

  std::array<Shard, kShards> shards_;
  bool rsa_first_ = false;
};

}  // namespace gatehouse::tls
