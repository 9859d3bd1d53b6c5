#include "certs/revocable.h"

#include <openssl/pool.h>

#include <algorithm>
#include <string_view>
#include <utility>

#include "certs/inventory.h"
#include "certs/key_types.h"
#include "storage/folder_walk.h"

namespace gatehouse::certs {

namespace {

std::string_view leaf_of(const Record& record) {
  const CRYPTO_BUFFER* leaf = record.certificate->chain().front().get();
  return {reinterpret_cast<const char*>(CRYPTO_BUFFER_data(leaf)), CRYPTO_BUFFER_len(leaf)};
}

bool is_over(const Record& record) {
  const bool held_back = record.revoked && !record.revoked->replace;
  return record.not_after() <= base::wall_now() && !held_back;
}

void put_in(Record record, std::string label, std::vector<StoredCertificate>& certificates) {
  const auto known = std::ranges::find_if(
      certificates, [&](const StoredCertificate& one) { return one.is(record); });
  StoredCertificate& one = known == certificates.end() ? certificates.emplace_back() : *known;
  one.add(std::move(record), std::move(label));
}

bool has_key_of_one(const Record& record, const std::vector<StoredCertificate>& certificates) {
  const std::string key = record.certificate->key().public_der();
  return std::ranges::any_of(certificates, [&](const StoredCertificate& one) {
    return one.record.certificate->key().public_der() == key;
  });
}

}  // namespace

bool StoredCertificate::is(const Record& other) const { return leaf_of(record) == leaf_of(other); }

void StoredCertificate::add(Record found, std::string label) {
  const auto same = [&](const Place& place) {
    return place.issuer == found.issuer && place.label == label;
  };
  if (std::ranges::any_of(places, same)) return;
  Place place;
  place.issuer = found.issuer;
  place.label = std::move(label);
  place.names = found.names;
  place.revoked = found.revoked;
  places.push_back(std::move(place));
  if (places.size() == 1) record = std::move(found);
}

std::vector<std::string> StoredCertificate::names() const {
  std::vector<std::string> all;
  const auto add_name = [&](std::string name) {
    if (std::ranges::find(all, name) == all.end()) all.push_back(std::move(name));
  };
  for (const Place& place : places) add_name(std::string(name_of_label(place.label)));
  for (const Place& place : places) std::ranges::for_each(place.names, add_name);
  return all;
}

base::Task<base::Result<std::vector<StoredCertificate>>> Revocable::of_name(std::string name) {
  Inventory inventory(blocking_, storage_);
  auto issuers = co_await inventory.list_issuers();
  if (!issuers) co_return base::fail(std::move(issuers.error()));
  std::vector<std::string> labels{name};
  if (!is_rsa_label(name)) labels.push_back(rsa_label(name));
  std::vector<StoredCertificate> found;
  for (const std::string& issuer : *issuers) {
    for (const std::string& label : labels) {
      auto record = co_await inventory.load(issuer, label);
      if (record) {
        if (!is_over(*record)) put_in(std::move(*record), label, found);
        continue;
      }
      const base::Code code = record.error().code;
      if (code != base::Code::kNotFound && code != base::Code::kDamaged) {
        co_return base::fail(std::move(record.error()));
      }
    }
  }
  co_return found;
}

base::Task<base::Result<std::vector<StoredCertificate>>> Revocable::everywhere(
    std::vector<StoredCertificate> certificates, bool same_keys) {
  Inventory inventory(blocking_, storage_);
  auto issuers = co_await inventory.list_issuers();
  if (!issuers) co_return base::fail(std::move(issuers.error()));
  for (const std::string& issuer : *issuers) {
    auto added = co_await add_from(issuer, certificates, same_keys);
    if (!added) co_return base::fail(std::move(added.error()));
  }
  co_return certificates;
}

base::Task<base::Result<void>> Revocable::add_from(std::string issuer,
                                                   std::vector<StoredCertificate>& certificates,
                                                   bool same_keys) {
  storage::FolderWalk all(storage_, "certificates/" + issuer);
  while (!all.over()) {
    const auto keys = co_await all.next();
    if (!keys) co_return base::fail(keys.error());
    for (const std::string& key : *keys) {
      co_await add_one(issuer, key, certificates, same_keys);
    }
  }
  co_return base::Result<void>();
}

base::Task<void> Revocable::add_one(std::string issuer, std::string key,
                                    std::vector<StoredCertificate>& certificates, bool same_keys) {
  // To parse every record takes long; most say by their text alone that they are none of these.
  if (!same_keys) {
    auto text = co_await storage_.load(key);
    if (!text) co_return;
    const auto says_so = [&](const StoredCertificate& one) {
      return text->find(one.record.certificate->leaf().serial) != std::string::npos;
    };
    if (std::ranges::none_of(certificates, says_so)) co_return;
  }
  std::string label = name_of_segment(parse_certificate_key(key).name);
  Inventory inventory(blocking_, storage_);
  auto record = co_await inventory.load(std::move(issuer), label);
  if (!record || is_over(*record)) co_return;
  const bool known = std::ranges::any_of(
      certificates, [&](const StoredCertificate& one) { return one.is(*record); });
  const bool wanted = known || (same_keys && has_key_of_one(*record, certificates));
  if (wanted) put_in(std::move(*record), std::move(label), certificates);
}

}  // namespace gatehouse::certs
