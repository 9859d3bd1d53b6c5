#include "certs/revoke.h"

#include <openssl/pool.h>

#include <algorithm>

#include "base/log.h"
#include "certs/acme_connection.h"
#include "certs/changes.h"
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

void add_error(RevokeOutcome& outcome, const std::string& what) {
  outcome.error += (outcome.error.empty() ? "" : "; ") + what;
}

}  // namespace

base::Task<base::Result<std::vector<RevokeOutcome>>> Revoke::run() {
  auto found = co_await find();
  if (!found) co_return base::fail(std::move(found.error()));
  std::vector<RevokeOutcome> outcomes;
  for (StoredCertificate& one : *found) {
    auto outcome = co_await revoke(std::move(one));
    outcomes.push_back(std::move(outcome));
  }
  co_return outcomes;
}

// Keys that are compromised are noted before anything else is looked at.
base::Task<base::Result<std::vector<StoredCertificate>>> Revoke::find() {
  Revocable revocable(parts_.blocking, parts_.storage);
  auto found = co_await revocable.of_name(request_.name);
  if (!found) co_return base::fail(std::move(found.error()));
  if (found->empty()) {
    co_return base::fail(Code::kNotFound,
                         "storage has no certificate of " + request_.name + " that is valid still");
  }
  if (is_compromise()) {
    CompromisedKeys compromised(parts_.storage);
    for (const StoredCertificate& one : *found) {
      auto noted = co_await compromised.add(one.record.certificate->key(), request_.name);
      if (!noted) co_return base::fail(std::move(noted.error()));
    }
  }
  co_return co_await revocable.everywhere(std::move(*found), is_compromise());
}

base::Task<RevokeOutcome> Revoke::revoke(StoredCertificate found) {
  RevokeOutcome outcome;
  outcome.name = found.places.front().label;
  outcome.issuer = found.record.issuer;
  outcome.serial = found.record.certificate->leaf().serial;
  outcome.names = found.names();
  outcome.certificate = found.record.certificate;
  Inventory inventory(parts_.blocking, parts_.storage);
  // So that no order puts another one in its place meanwhile.
  leased_ = found.record.names.front();
  auto lease = co_await inventory.lease(leased_, base::Deadline::in(kLeaseTime));
  if (!lease) {
    outcome.error = lease.error().detail;
    co_return outcome;
  }
  co_await refresh(found, outcome);
  if (outcome.error.empty()) co_await revoke_leased(found, outcome);
  co_return outcome;
}

// Where it still is: some names may have another one by now.
base::Task<void> Revoke::refresh(StoredCertificate& found, RevokeOutcome& outcome) {
  Inventory inventory(parts_.blocking, parts_.storage);
  StoredCertificate now;
  for (const StoredCertificate::Place& place : found.places) {
    auto record = co_await inventory.load(place.issuer, place.label);
    if (record && found.is(*record)) {
      now.add(std::move(*record), place.label);
    } else if (!record && record.error().code != Code::kNotFound) {
      outcome.error = record.error().detail;
      co_return;
    }
  }
  if (now.places.empty()) {
    outcome.error = "it was replaced meanwhile; say it again if the new one is meant";
    co_return;
  }
  found = std::move(now);
}

base::Task<void> Revoke::revoke_leased(StoredCertificate& found, RevokeOutcome& outcome) {
  const Record& record = found.record;
  const bool expired = record.not_after() <= base::wall_now();
  const bool done =
      expired || std::ranges::all_of(found.places, [&](const auto& place) {
        const auto& revoked = place.revoked;
        return revoked && revoked->told && !(is_compromise() && revoked->reason != request_.reason);
      });
  Revocation wanted = found.places.front().revoked.value_or(Revocation());
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
  if (!told && !is_compromise()) {
    outcome.error = std::move(told.error().detail);
    co_return;
  }
  auto marked = co_await mark(found, wanted);
  if (!marked && !is_compromise()) {
    outcome.error = std::move(marked.error().detail);
    (void)co_await mark(found, std::nullopt);
    co_return;
  }
  outcome.known = true;
  outcome.told = done || (told && !ca);
  outcome.before = done;
  if (!told) add_error(outcome, told.error().detail);
  if (!marked) add_error(outcome, marked.error().detail);
  if (ca) {
    co_await tell_marked(found, *ca, wanted, outcome);
    ca->http.close_idle();
  } else if (!done && outcome.told) {
    co_await note_told(found, wanted, outcome);
  }
}

base::Task<void> Revoke::tell_marked(StoredCertificate& found, AcmeConnection& ca,
                                     Revocation mark_there, RevokeOutcome& outcome) {
  auto answer = co_await tell(found.record, mark_there.reason, ca);
  outcome.told = answer.has_value();
  if (outcome.told) {
    co_await note_told(found, mark_there, outcome);
    co_return;
  }
  const acme::Failure& failure = answer.error();
  add_error(outcome, failure.error.detail);
  const bool refused = failure.problem && failure.problem->status < 500;
  if (!refused || is_compromise()) co_return;
  auto unmarked = co_await mark(found, std::nullopt);
  outcome.known =
      std::ranges::any_of(found.places, [](const auto& one) { return one.revoked.has_value(); });
  if (!unmarked) add_error(outcome, unmarked.error().detail);
}

base::Task<void> Revoke::note_told(const StoredCertificate& found, Revocation revoked,
                                   RevokeOutcome& outcome) {
  base::log::info("a certificate is revoked", {{"name", outcome.name},
                                               {"issuer", outcome.issuer},
                                               {"serial", outcome.serial},
                                               {"reason", acme::name(revoked.reason)}});
  revoked.told = true;
  auto marked = co_await mark(found, revoked);
  if (!marked) add_error(outcome, marked.error().detail);
}

// Marks every record of it, or makes each what it was; all that can be, and tells of the first that
// cannot. Each name that is ordered by itself has a lease of its own.
base::Task<base::Result<void>> Revoke::mark(const StoredCertificate& found,
                                            std::optional<Revocation> revoked) {
  Inventory inventory(parts_.blocking, parts_.storage);
  base::Result<void> all;
  std::vector<std::string> labels;
  for (const StoredCertificate::Place& place : found.places) {
    std::string name(name_of_label(place.label));
    storage::Lease lease;
    base::Result<void> marked;
    if (name != leased_) {
      auto given = co_await inventory.lease(name, base::Deadline::in(kLeaseTime));
      if (given) lease = std::move(*given);
      if (!given) marked = base::fail(std::move(given.error()));
    }
    if (marked) marked = co_await mark_leased(found, place, revoked ? revoked : place.revoked);
    if (!marked && all) all = base::fail(std::move(marked.error()));
    labels.push_back(place.label);
  }
  Changes changes(parts_.storage);
  const auto added = co_await changes.add(std::move(labels));
  if (!added) {
    base::log::warn("servers on this storage hear of a revocation late",
                    {{"error", added.error().detail}});
  }
  co_return all;
}

// Whatever the name has got meanwhile stays as it is.
base::Task<base::Result<void>> Revoke::mark_leased(const StoredCertificate& found,
                                                   const StoredCertificate::Place& place,
                                                   std::optional<Revocation> revoked) {
  Inventory inventory(parts_.blocking, parts_.storage);
  auto record = co_await inventory.load(place.issuer, place.label);
  if (!record && record.error().code == Code::kNotFound) co_return base::Result<void>();
  if (!record) co_return base::fail(std::move(record.error()));
  if (!found.is(*record)) co_return base::Result<void>();
  record->revoked = std::move(revoked);
  co_return co_await inventory.save_under(place.label, std::move(*record));
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

base::Task<acme::Outcome<>> Revoke::tell(const Record& record, acme::RevocationReason reason,
                                         AcmeConnection& ca) {
  const base::Deadline deadline = base::Deadline::in(kTime);
  const std::string der = leaf_der(*record.certificate);
  const acme::Account owner{record.certificate->key(), ""};
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
