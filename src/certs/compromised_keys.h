// Private keys that others know, by the hash of their public part: no certificate with one of them
// is served, imported or ordered.
#pragma once

#include <string>

#include "base/loop.h"
#include "storage/storage.h"
#include "tls/key.h"

namespace gatehouse::certs {

// Keys: compromised/<SHA-256 of the SubjectPublicKeyInfo, hex>. On control's loop.
class CompromisedKeys {
 public:
  // `storage` outlives it.
  explicit CompromisedKeys(storage::Storage& storage) : storage_(storage) {}

  // A record that is there counts, damaged or not. Errors: those of storage.
  base::Task<base::Result<bool>> contains(tls::PrivateKey key);
  // For ever. `name`: of a certificate that had it, for who looks into storage.
  base::Task<base::Result<void>> add(tls::PrivateKey key, std::string name);

 private:
  storage::Storage& storage_;
};

}  // namespace gatehouse::certs
