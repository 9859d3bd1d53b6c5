// What storage holds of a certificate that is to be revoked: it may lie under several names, each
// of which would go on serving it.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/blocking_pool.h"
#include "base/loop.h"
#include "certs/record.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// One certificate, and where its records are.
struct StoredCertificate {
  struct Place {
    std::string issuer;
    std::string label;
    std::vector<std::string> names;     // of the record there
    std::optional<Revocation> revoked;  // what the record there says of it
  };

  Record record;              // the first place's
  std::vector<Place> places;  // at least one

  bool is(const Record& other) const;
  void add(Record found, std::string label);
  // That it is kept under, without marks of labels, or was ordered for; each once, the first
  // place's first.
  std::vector<std::string> names() const;
};

// On the loop of a command.
class Revocable {
 public:
  // Both outlive it.
  Revocable(base::BlockingPool& blocking, storage::Storage& storage)
      : blocking_(blocking), storage_(storage) {}

  // What may be revoked of a name: what storage holds under it, whoever signed it, and has not
  // expired; of what has expired that which is not to be replaced, so that this can be taken back.
  // Errors: storage's.
  base::Task<base::Result<std::vector<StoredCertificate>>> of_name(std::string name);

  // The same with all places of each; with `same_keys` also the other certificates that have one of
  // their keys. Looks through the whole storage. Errors: storage's.
  base::Task<base::Result<std::vector<StoredCertificate>>> everywhere(
      std::vector<StoredCertificate> certificates, bool same_keys);

 private:
  base::Task<base::Result<void>> add_from(std::string issuer,
                                          std::vector<StoredCertificate>& certificates,
                                          bool same_keys);
  base::Task<void> add_one(std::string issuer, std::string key,
                           std::vector<StoredCertificate>& certificates, bool same_keys);

  base::BlockingPool& blocking_;
  storage::Storage& storage_;
};

}  // namespace gatehouse::certs
