// What storage holds of certificates, and of names whose orders fail.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/blocking_pool.h"
#include "base/loop.h"
#include "certs/compromised_keys.h"
#include "certs/record.h"
#include "storage/folder_walk.h"
#include "storage/storage.h"

namespace gatehouse::certs {

// Keys: certificates/<issuer id>/<label>, renewals/<issuer id>/<label>, failures/<label> and
// imports/<label>, with key_segment() of the label, which is mostly the name (certs/key_types.h).
// On control's loop.
class Inventory {
 public:
  // Both outlive it.
  Inventory(base::BlockingPool& blocking, storage::Storage& storage)
      : blocking_(blocking), storage_(storage), compromised_(storage) {}

  // One read, and one for its key: a record whose key is compromised is `revoked`, whatever it says
  // itself. Errors: kNotFound; kDamaged, after the record was reported and set aside; others of
  // storage.
  base::Task<base::Result<Record>> load(std::string issuer, std::string name);
  // Durable when it returns well. Written for each of its names, so that each finds it when the
  // names that share a certificate have changed.
  base::Task<base::Result<void>> save(Record record);
  // Under this label of one of its names alone.
  base::Task<base::Result<void>> save_under(std::string label, Record record);
  // save(), unless storage holds one that expires later and was not revoked.
  base::Task<base::Result<void>> save_newer(Record record);

  // save(), and notes that it was imported: it is found by load_imported() too, whatever issuers
  // are configured.
  base::Task<base::Result<void>> save_imported(Record record);
  // The certificate that was imported for a name, as long as its record holds that one. Errors: as
  // load().
  base::Task<base::Result<Record>> load_imported(std::string name);
  base::Task<base::Result<void>> forget_imported(std::string name);

  // What is known of a certificate's renewal; nothing when nothing is, or it cannot be read.
  base::Task<std::optional<RenewalPlan>> load_plan(std::string issuer, std::string name);
  base::Task<base::Result<void>> save_plan(std::string issuer, std::string name, RenewalPlan plan);

  // None recorded: a count of 0.
  base::Task<base::Result<Failures>> load_failures(std::string name);
  base::Task<base::Result<void>> save_failures(std::string name, Failures failures);
  base::Task<base::Result<void>> forget_failures(std::string name);

  // Removes the record, its plan and the note that it was imported; the record last. Whoever calls
  // holds the name's lease.
  base::Task<base::Result<void>> forget(std::string issuer, std::string label);

  // The right to order for `name`. kTimeout while another process has it.
  base::Task<base::Result<storage::Lease>> lease(std::string name, base::Deadline deadline);

  // The ids of all issuers that storage has certificates of.
  base::Task<base::Result<std::vector<std::string>>> list_issuers();
  // The storage keys of an issuer's certificates, of its orders under way (certs/open_order.h) and
  // of the failures that there are.
  storage::FolderWalk certificates(const std::string& issuer);
  storage::FolderWalk orders(const std::string& issuer);
  storage::FolderWalk failures();
  // The ids of all issuers that orders are under way at.
  base::Task<base::Result<std::vector<std::string>>> list_order_issuers();
  // Removes an order by its storage key. Whoever calls holds the name's lease.
  base::Task<base::Result<void>> forget_order(std::string key);

 private:
  base::Task<void> report_and_set_aside(std::string key, std::string why);

  base::BlockingPool& blocking_;
  storage::Storage& storage_;
  CompromisedKeys compromised_;
};

// A name as a segment of a key: an IPv6 address with "_" for each ":".
std::string key_segment(std::string_view name);
// The other way.
std::string name_of_segment(std::string_view segment);

// The issuer and the name of "certificates/<issuer>/<name>"; empty when it is no such key.
struct CertificateKey {
  std::string_view issuer;
  std::string_view name;
};
CertificateKey parse_certificate_key(std::string_view key);

}  // namespace gatehouse::certs
