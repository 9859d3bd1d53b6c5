// What is special to names that have, or had, a certificate of each kind of key.
#include <algorithm>
#include <optional>
#include <utility>

#include "base/log.h"
#include "certs/orders.h"

namespace gatehouse::certs {

namespace {

base::Error of_other_kind(std::string_view name) {
  return base::Error(base::Code::kNotFound, base::Side::kStorage,
                     "storage has a certificate of another kind of key for " + std::string(name));
}

std::string other_label(const OrderRequest& request) {
  const std::string& name = request.names.front();
  return is_rsa_label(request.name) ? name : rsa_label(name);
}

}  // namespace

// An order for the name's other certificate ends first, which it does within its own time: answers
// to challenges are kept by name, and the CA may know then that the name is ours.
base::Task<void> Orders::wait_for_other(const OrderRequest& request) {
  if (!parts_.key_types.two()) co_return;
  const auto other = running_.find(other_label(request));
  if (other == running_.end()) co_return;
  const std::shared_ptr<Running> first = other->second;
  if (request.urgency == Urgency::kHandshake) slots_.hurry(first->place);
  (void)co_await first->ended.wait();
}

// Without an issuer: what was imported.
base::Task<base::Result<Record>> Orders::read(std::string issuer, std::string label) {
  if (issuer.empty()) co_return co_await parts_.inventory.load_imported(std::move(label));
  co_return co_await parts_.inventory.load(std::move(issuer), std::move(label));
}

// A record that belongs to the request's label. What a name had before it was to have two may be an
// RSA one under the name itself: that moves to its own label, before another takes its place.
base::Task<base::Result<Record>> Orders::load_for(const OrderRequest& request, std::string issuer,
                                                  std::string name) {
  auto record = co_await read(issuer, request.label_of(name));
  if (request.keys == tls::kAllKeys) co_return record;
  const bool wants_rsa = request.keys == tls::kRsaKeys;
  if (wants_rsa && !record && record.error().code == base::Code::kNotFound) {
    record = co_await read(issuer, name);
  }
  if (!record || record->rsa_of_two) co_return record;
  if (record->certificate->is_of(tls::kRsaKeys))
    co_await move_to_rsa_label(issuer.empty(), *record);
  if (record->certificate->is_of(request.keys)) co_return record;
  co_return base::fail(of_other_kind(name));
}

base::Task<void> Orders::move_to_rsa_label(bool imported, Record& record) {
  const std::string name = record.names.front();
  record.rsa_of_two = true;
  base::Result<void> saved;
  if (imported) {
    saved = co_await parts_.inventory.save_imported(record);
  } else {
    saved = co_await parts_.inventory.save_newer(record);
  }
  if (saved && imported) (void)co_await parts_.inventory.forget_imported(name);
  if (saved) co_return;
  base::log::warn("a certificate with an RSA key cannot be stored beside that with an ECDSA key",
                  {{"name", name}, {"error", saved.error().detail}});
}

// The name had two and is to have the request's alone: the other is served as long as it lasts.
base::Task<void> Orders::serve_former_kind(const OrderRequest& request) {
  const std::string label = other_label(request);
  const tls::KeyKinds keys = parts_.key_types.kinds(label);
  std::optional<Record> longest;
  for (Issuer* issuer : request.issuers) {
    auto record = co_await parts_.inventory.load(issuer->id(), label);
    if (!record || record->revoked || !record->certificate->is_of(keys)) continue;
    const base::WallTime end = record->not_after();
    if (end <= parts_.now()) continue;
    if (!longest || end > longest->not_after()) longest = std::move(*record);
  }
  if (!longest) {
    for (const std::string& name : request.names) parts_.certificates.remove(name, keys);
    co_return;
  }
  std::vector<std::string> covered;
  for (const std::string& name : request.names) {
    if (longest->certificate->covers(name)) covered.push_back(name);
  }
  parts_.certificates.put(covered, longest->certificate, keys);
  if (parts_.staples != nullptr) parts_.staples->watch(*longest);
}

}  // namespace gatehouse::certs
