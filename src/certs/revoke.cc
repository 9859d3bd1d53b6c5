#include "certs/revoke.h"

#include <openssl/pool.h>

#include <algorithm>
#include <set>

#include "base/log.h"
#include "certs/acme_connection.h"
#include "certs/compromised_keys.h"
#include "certs/internal_issuer.h"
#include "certs/inventory.h"
#include "certs/issuer_factory.h"
#include "certs/issuer_id.h"
#include "certs/key_types.h"

namespace gatehouse::certs {

namespace {

using acme::failed;
using base::Code;

constexpr std::string_view kInternal = "internal";

std::string leaf_der(const tls::Certificate& certificate) {
  const CRYPTO_BUFFER* leaf = certificate.chain().front().get();
  return std::string(reinterpret_cast<const char*>(CRYPTO_BUFFER_data(leaf)),
                     CRYPTO_BUFFER_len(leaf));
}

// Whether the CA's refusal may be of who asks, rather than of what is asked.
bool is_about_signer(const acme::Failure& failure) {
  return failure.is("unauthorized") || failure.is("accountDoesNotExist") || failure.is("malformed");
}

}  // namespace

base::Task<base::Result<std::vector<Record>>> revocable(base::BlockingPool& blocking,
                                                        storage::Storage& storage,
                                                        std::string name) {
  Inventory inventory(blocking, storage);
  auto issuers = co_await inventory.list_issuers();
  if (!issuers) co_return base::fail(std::move(issuers.error()));
  std::vector<std::string> labels{name};
  if (!is_rsa_label(name)) labels.push_back(rsa_label(name));
  std::vector<Record> records;
  for (const std::string& issuer : *issuers) {
    for (const std::string& label : labels) {
      auto record = co_await inventory.load(issuer, label);
      if (record) {
        if (base::wall_now() < record->certificate->leaf().not_after) {
          records.push_back(std::move(*record));
        }
        continue;
      }
      const Code code = record.error().code;
      if (code != Code::kNotFound && code != Code::kDamaged) {
        co_return base::fail(std::move(record.error()));
      }
    }
  }
  co_return records;
}

base::Task<base::Result<std::vector<RevokeOutcome>>> Revoke::run() {
  auto records = co_await revocable(parts_.blocking, parts_.storage, request_.name);
  if (!records) co_return base::fail(std::move(records.error()));
  if (records->empty()) {
    co_return base::fail(Code::kNotFound,
                         "storage has no certificate of " + request_.name + " that is valid still");
  }
  if (request_.reason == acme::RevocationReason::kKeyCompromise) {
    CompromisedKeys compromised(parts_.storage);
    for (const Record& record : *records) {
      auto noted = co_await compromised.add(record.certificate->key(), request_.name);
      if (!noted) co_return base::fail(std::move(noted.error()));
    }
    auto more = co_await same_keys(*records);
    if (!more) co_return base::fail(std::move(more.error()));
    std::ranges::move(*more, std::back_inserter(*records));
  }
  std::vector<RevokeOutcome> outcomes;
  for (Record& record : *records) {
    auto outcome = co_await revoke(std::move(record));
    outcomes.push_back(std::move(outcome));
  }
  co_return outcomes;
}

// The certificates of other names with one of these keys.
base::Task<base::Result<std::vector<Record>>> Revoke::same_keys(
    const std::vector<Record>& records) {
  std::set<std::string> keys;
  std::set<std::string> serials;
  for (const Record& record : records) {
    keys.insert(record.certificate->key().public_der());
    serials.insert(record.certificate->leaf().serial);
  }
  Inventory inventory(parts_.blocking, parts_.storage);
  auto issuers = co_await inventory.list_issuers();
  if (!issuers) co_return base::fail(std::move(issuers.error()));
  std::vector<Record> found;
  for (const std::string& issuer : *issuers) {
    std::string cursor;
    for (bool more = true; more;) {
      std::string prefix = "certificates/" + issuer;
      auto slice = co_await parts_.storage.list(std::move(prefix), cursor, kSlice);
      if (!slice) co_return base::fail(std::move(slice.error()));
      more = slice->size() == kSlice;
      if (more) cursor = slice->back();
      for (const std::string& key : *slice) {
        std::string name = name_of_segment(parse_certificate_key(key).name);
        if (name == request_.name) continue;
        auto record = co_await inventory.load(issuer, std::move(name));
        if (!record || !keys.contains(record->certificate->key().public_der())) continue;
        const auto& serial = record->certificate->leaf().serial;
        if (!serials.insert(serial).second) continue;  // the same one, under another of its names
        if (base::wall_now() < record->certificate->leaf().not_after) {
          found.push_back(std::move(*record));
        }
      }
    }
  }
  co_return found;
}

base::Task<RevokeOutcome> Revoke::revoke(Record record) {
  RevokeOutcome outcome;
  outcome.name = record.names.front();
  outcome.issuer = record.issuer;
  outcome.serial = record.certificate->leaf().serial;
  outcome.names = record.names;
  outcome.certificate = record.certificate;
  Inventory inventory(parts_.blocking, parts_.storage);
  // So that no order puts another one in its place meanwhile.
  auto lease = co_await inventory.lease(outcome.name, base::Deadline::in(kLeaseTime));
  if (!lease) {
    outcome.error = lease.error().detail;
    co_return outcome;
  }
  auto now = co_await inventory.load(record.issuer, record.label());
  if (!now) {
    outcome.error = now.error().detail;
  } else if (now->certificate->leaf().serial != outcome.serial) {
    outcome.error = "it was replaced meanwhile; say it again if the new one is meant";
  } else {
    outcome = co_await revoke_leased(std::move(*now), std::move(outcome));
  }
  co_return outcome;
}

base::Task<RevokeOutcome> Revoke::revoke_leased(Record record, RevokeOutcome outcome) {
  Inventory inventory(parts_.blocking, parts_.storage);
  const std::optional<Revocation> before = record.revoked;
  const bool compromised = request_.reason == acme::RevocationReason::kKeyCompromise;
  Revocation wanted = before.value_or(Revocation());
  const bool done = before && before->told && !(compromised && before->reason != request_.reason);
  if (!done) {
    wanted.reason = request_.reason;
    wanted.at = base::wall_now();
    wanted.told = false;
  }
  wanted.replace = request_.replace;
  // Who cannot be told is no reason to take a site down, unless others know its key.
  std::unique_ptr<AcmeConnection> ca;
  base::Result<void> told;
  if (!done && record.issuer != kInternal) {
    auto reached = co_await reach(record);
    if (reached) ca = std::move(*reached);
    if (!reached) told = base::fail(std::move(reached.error()));
  }
  if (!told && !compromised) {
    outcome.error = std::move(told.error().detail);
    co_return outcome;
  }
  record.revoked = wanted;
  auto saved = co_await inventory.save(record);
  if (!saved) {
    outcome.error = saved.error().detail;
    co_return outcome;
  }
  outcome.known = true;
  outcome.told = done;
  outcome.before = done;
  if (done) co_return outcome;
  bool refused = false;
  if (ca) {
    auto answer = co_await tell(record, *ca);
    ca->http.close_idle();
    if (!answer) {
      const acme::Failure& failure = answer.error();
      refused = failure.problem && failure.problem->status < 500;
      told = base::fail(failure.error);
    }
  }
  outcome.told = told.has_value();
  if (told) {
    record.revoked->told = true;
    base::log::info("a certificate is revoked", {{"name", outcome.name},
                                                 {"issuer", outcome.issuer},
                                                 {"serial", outcome.serial},
                                                 {"reason", acme::name(wanted.reason)}});
  } else {
    outcome.error = std::move(told.error().detail);
    if (!refused || compromised) co_return outcome;
    record.revoked = before;
    outcome.known = before.has_value();
  }
  saved = co_await inventory.save(record);
  if (!saved) outcome.error += (outcome.error.empty() ? "" : "; ") + saved.error().detail;
  co_return outcome;
}

const config::AcmeIssuer* Revoke::ca_of(const Record& record) const {
  for (const config::AcmeIssuer* ca : acme_issuers(parts_.config)) {
    const bool same = record.ca.empty() ? issuer_id_of(ca->directory) == record.issuer
                                        : ca->directory == record.ca;
    if (same) return ca;
  }
  return nullptr;
}

// A connection to the CA that signed it, which has answered.
base::Task<base::Result<std::unique_ptr<AcmeConnection>>> Revoke::reach(const Record& record) {
  const config::AcmeIssuer* ca = ca_of(record);
  config::AcmeIssuer former;  // one that the configuration does not name any more
  former.directory = record.ca;
  if (ca == nullptr) ca = &former;
  if (ca->directory.empty()) {
    co_return base::fail(Code::kNotFound,
                         "nothing tells the CA's directory any more: name it in the configuration "
                         "again, " +
                             record.issuer);
  }
  const AcmeConnection::Parts parts{parts_.loop, parts_.blocking, parts_.resolver, parts_.storage};
  auto connection = co_await AcmeConnection::make(parts, acme_options(*ca, parts_.config));
  if (!connection) co_return base::fail(std::move(connection.error()));
  auto directory = co_await (*connection)->client.directory(base::Deadline::in(kTime));
  if (!directory) co_return base::fail(std::move(directory.error().error));
  if (directory->revoke_cert.empty()) {
    co_return base::fail(Code::kUnsupported, base::Side::kCa,
                         "the CA " + ca->directory + " has no revokeCert");
  }
  co_return std::move(*connection);
}

base::Task<acme::Outcome<>> Revoke::tell(const Record& record, AcmeConnection& ca) {
  const base::Deadline deadline = base::Deadline::in(kTime);
  const std::string der = leaf_der(*record.certificate);
  const acme::Account owner{record.certificate->key(), ""};
  const acme::RevocationReason reason = record.revoked->reason;
  if (!request_.by_certificate_key) {
    auto account = co_await ca.account.find(deadline);
    if (!account) co_return failed(std::move(account.error()));
    if (*account) {
      auto told = co_await acme::revoke_certificate(ca.client, **account, der, reason, deadline);
      if (told || !is_about_signer(told.error())) co_return told;
      base::log::warn("the account may not revoke it; its own key does",
                      {{"account", (*account)->url}, {"error", told.error().error.detail}});
    }
  }
  auto told = co_await acme::revoke_certificate(ca.client, owner, der, reason, deadline);
  co_return told;
}

}  // namespace gatehouse::certs
