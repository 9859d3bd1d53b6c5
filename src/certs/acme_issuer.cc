#include "certs/acme_issuer.h"

#include <algorithm>

#include "acme/authorization.h"
#include "acme/certificate.h"
#include "acme/challenge.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "certs/acme_attempt.h"
#include "certs/acme_failure.h"
#include "certs/chain_choice.h"
#include "certs/challenge_answer.h"
#include "certs/challenge_memory.h"
#include "certs/placement.h"
#include "tls/x509.h"

namespace gatehouse::certs {

namespace {

using acme::ChallengeType;
using acme::failed;
using base::Code;
using base::Side;

base::Result<tls::CertificateRef> check_chain(const std::string& pem, const tls::PrivateKey& key,
                                              const std::vector<std::string>& names) {
  auto certificate = tls::Certificate::make(pem, key);
  if (certificate) {
    auto checked = tls::check_issued(**certificate, names, base::wall_now());
    if (checked) return std::move(*certificate);
    certificate = base::fail(std::move(checked.error()));
  }
  return base::fail(Code::kMalformed, Side::kCa, base::Retry::kYes,
                    "the CA's certificate is not what was ordered: " + certificate.error().detail);
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

AcmeIssuer::AcmeIssuer(Parts parts, AcmeOptions options, std::unique_ptr<DnsChallenges> dns)
    : parts_(parts),
      options_(std::move(options)),
      id_(issuer_id_of(options_.directory)),
      choice_(options_.challenges, options_.dns),
      open_(parts_.blocking, parts_.storage, id_),
      dns_(std::move(dns)),
      preflight_(parts_.loop, parts_.blocking, options_.resolvers),
      connecting_(parts_.loop, 1, kConnectQueued) {
  if (const CaLimits* limits = limits_of(id_)) pace_.emplace(*limits);
}

AcmeIssuer::~AcmeIssuer() = default;

base::Task<std::expected<tls::CertificateRef, IssueError>> AcmeIssuer::issue(IssueRequest request) {
  auto connected = co_await connect(request.deadline);
  if (!connected) co_return std::unexpected(IssueError(std::move(connected.error())));
  Attempt attempt(std::move(request), options_);
  auto certificate = co_await obtain(attempt);
  if (certificate) co_return std::move(*certificate);
  acme::Failure& failure = certificate.error();
  if (attempt.blamed.empty() && failure.problem) {
    attempt.blamed = blamed_names(*failure.problem, attempt.names);
  }
  IssueError error = to_issue_error(std::move(failure), attempt.challenge_failed);
  error.of_challenge = !attempt.tried.empty();
  error.names = std::move(attempt.blamed);
  co_return std::unexpected(std::move(error));
}

base::Task<void> AcmeIssuer::forget_order(std::string name) {
  co_await open_.forget(std::move(name));
}

base::Task<acme::Outcome<acme::RenewalInfo>> AcmeIssuer::renewal_info(
    tls::CertificateRef certificate, base::Deadline deadline) {
  auto connected = co_await connect(deadline);
  if (!connected) co_return failed(std::move(connected.error()));
  auto info = co_await acme::read_renewal_info(connection_->client,
                                               acme::certificate_id(certificate->leaf()), deadline);
  co_return std::move(info);
}

base::Task<void> AcmeIssuer::remove_leftovers() {
  if (dns_) co_await dns_->remove_leftovers();
}

base::Task<base::Result<void>> AcmeIssuer::connect(base::Deadline deadline) {
  if (connection_) co_return base::Result<void>();
  auto turn = co_await connecting_.acquire(Urgency::kHandshake, deadline);
  if (!turn) co_return base::fail(std::move(turn.error()));
  const HeldSlot held(connecting_);
  if (connection_) co_return base::Result<void>();
  const AcmeConnection::Parts parts{parts_.loop, parts_.blocking, parts_.resolver, parts_.storage};
  auto made = co_await AcmeConnection::make(parts, options_);
  if (!made) co_return base::fail(std::move(made.error()));
  connection_ = std::move(*made);
  co_return base::Result<void>();
}

base::Task<AcmeIssuer::Certified> AcmeIssuer::obtain(Attempt& attempt) {
  bool account_again = false;
  unsigned orders = 0;
  while (true) {
    auto account = co_await connection_->account.get(attempt.deadline);
    if (!account) co_return failed(std::move(account.error()));
    attempt.account = std::move(*account);
    const base::TimePoint since = base::Clock::now();
    attempt.other_challenge = false;
    attempt.challenge_failed = false;
    attempt.blamed.clear();
    auto certificate = co_await order(attempt);
    // An order that was not forgotten in time may be the one of the certificate that is replaced.
    attempt.fresh = attempt.resumed;
    if (certificate && attempt.resumed && (*certificate)->leaf().serial == attempt.before) continue;
    if (certificate) {
      account_url_ = attempt.account.url;
      co_return std::move(*certificate);
    }
    const bool over = !may_be_taken_up(certificate.error());
    if (over) co_await open_.forget(attempt.label);
    if (certificate.error().problem && !account_again) {
      account_again =
          co_await connection_->account.outdated(attempt.account, since, certificate.error());
      // What was answered with another key says nothing of the challenges.
      if (account_again) attempt.forget_challenges();
      if (account_again) continue;
    }
    // What was wrong with an old order need not be wrong with a new one.
    if (over && attempt.resumed && !attempt.challenge_failed) continue;
    if (!attempt.other_challenge || ++orders >= attempt.orders) {
      co_return failed(std::move(certificate.error()));
    }
    base::log::info("a challenge failed; trying another type in a new order",
                    {{"names", listed(attempt.names)},
                     {"issuer", id_},
                     {"error", certificate.error().error.detail}});
  }
}

// A CA that is none may see another DNS than we do.
base::Task<bool> AcmeIssuer::is_public(base::Deadline deadline) {
  if (!options_.preflight) co_return false;
  const auto directory = co_await connection_->client.directory(deadline);
  co_return directory && !directory->caa_identities.empty();
}

// What is known to fail is not ordered. Of several names each is looked at, so that the others may
// be ordered without it.
base::Task<acme::Outcome<>> AcmeIssuer::look_at_dns(Attempt& attempt) {
  if (!options_.preflight) co_return acme::Outcome<>();
  auto directory = co_await connection_->client.directory(attempt.deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  if (directory->caa_identities.empty()) co_return acme::Outcome<>();
  CaaSubject subject;
  subject.identities = directory->caa_identities;
  subject.account = attempt.account.url;
  for (const ChallengeType type : choice_.types()) subject.methods.emplace_back(acme::name(type));
  const bool by_dns = options_.dns == DnsUse::kAll && dns_ != nullptr;
  const base::Deadline deadline = base::Deadline::in(Preflight::kTime).min(attempt.deadline);
  acme::Outcome<> outcome;
  for (const std::string& name : attempt.names) {
    if (base::is_ip_literal(name)) continue;
    const bool by_address = !by_dns && !name.starts_with("*.");
    auto objection = co_await preflight_.object(name, by_address, subject, deadline);
    if (!objection) continue;
    attempt.blamed.emplace_back(name, objection->text(), objection->handling().lasting);
    acme::Failure failure("", std::move(*objection));
    failure.error.detail = "no order was placed: " + failure.problem->text();
    outcome = failed(std::move(failure));
  }
  co_return outcome;
}

// The order that an earlier life has begun, or a new one, which is in storage before anything comes
// of it.
base::Task<acme::Outcome<acme::Order>> AcmeIssuer::open_order(Attempt& attempt) {
  attempt.resumed = false;
  std::optional<OpenOrder> known;
  if (!attempt.fresh) known = co_await open_.find(attempt.label);
  if (known) {
    auto order = co_await take_up(attempt, std::move(*known));
    if (!order) co_return failed(std::move(order.error()));
    if (*order) co_return std::move(**order);
    co_await open_.forget(attempt.label);
  }
  auto good = co_await look_at_dns(attempt);
  if (!good) co_return failed(std::move(good.error()));
  if (pace_) {
    auto allowed = co_await keep_pace(*pace_, parts_.storage, id_, attempt.urgency);
    if (!allowed) co_return failed(std::move(allowed.error()));
  }
  auto order = co_await place_order(connection_->client, attempt.account, attempt.wanted,
                                    options_.profile_required, attempt.deadline);
  if (!order) co_return failed(std::move(order.error()));
  OpenOrder open;
  open.url = order->url;
  open.account = attempt.account.url;
  open.profile = attempt.profile;
  open.names = attempt.names;
  open.key = attempt.key;
  co_await open_.keep(attempt.label, std::move(open));
  co_return std::move(*order);
}

// Nothing when it cannot come to what is wanted now.
base::Task<acme::Outcome<std::optional<acme::Order>>> AcmeIssuer::take_up(Attempt& attempt,
                                                                          OpenOrder known) {
  std::optional<acme::Order> none;
  const bool fits = known.names == attempt.names && known.account == attempt.account.url &&
                    known.profile == attempt.profile && same_type(known.key, attempt.key);
  if (!fits) co_return none;
  auto order =
      co_await acme::read_order(connection_->client, attempt.account, known.url, attempt.deadline);
  if (!order) {
    const bool lost = order.error().is("accountDoesNotExist");
    if (lost || may_be_taken_up(order.error())) co_return failed(std::move(order.error()));
    co_return none;
  }
  if (order->status == "invalid") co_return none;
  base::log::info("taking up an order that was cut off", {{"names", listed(attempt.names)},
                                                          {"issuer", id_},
                                                          {"status", order->status},
                                                          {"order", known.url}});
  attempt.key = std::move(known.key);
  attempt.resumed = true;
  co_return std::move(*order);
}

base::Task<AcmeIssuer::Certified> AcmeIssuer::order(Attempt& attempt) {
  auto order = co_await open_order(attempt);
  if (!order) co_return failed(std::move(order.error()));
  if (order->status == "pending") {
    auto proved = co_await prove(attempt, *order);
    if (!proved) co_return failed(std::move(proved.error()));
    // Every authorization is valid, so it is ready; should the CA not know that yet, finalizing
    // looks again. Asking first would cost a handshake that waits one round trip more.
    order->status = "ready";
  }
  auto certificate = co_await finish(attempt, std::move(*order));
  co_return std::move(certificate);
}

base::Task<acme::Outcome<>> AcmeIssuer::prove(Attempt& attempt, const acme::Order& order) {
  if (order.authorizations.empty()) {
    co_return acme::malformed("the CA's order " + order.url + " is pending without authorizations");
  }
  std::vector<Proof> proofs;
  auto proved = co_await prove_with(proofs, attempt, order);
  for (Proof& proof : proofs) {
    auto record = proof.answer.take_record();
    if (record) co_await dns_->withdraw(std::move(*record));
  }
  co_return proved;
}

base::Task<acme::Outcome<>> AcmeIssuer::prove_with(std::vector<Proof>& proofs, Attempt& attempt,
                                                   const acme::Order& order) {
  acme::Outcome<> outcome;
  for (const std::string& url : order.authorizations) {
    const std::size_t blamed = attempt.blamed.size();
    auto proof = co_await prepare(attempt, url);
    if (proof && *proof) proofs.push_back(std::move(**proof));
    if (proof) continue;
    outcome = failed(std::move(proof.error()));
    if (attempt.blamed.size() == blamed) co_return outcome;  // it is not this one name's fault
  }
  if (!outcome) co_return outcome;
  for (const Proof& proof : proofs) {
    auto begun = co_await acme::begin_challenge(connection_->client, attempt.account,
                                                proof.challenge, attempt.deadline);
    if (!begun) co_return failed(std::move(begun.error()));
  }
  // Every one is awaited, so that all that can be learnt of this order is learnt.
  for (const Proof& proof : proofs) {
    auto settled = co_await settle(attempt, proof);
    if (!settled) outcome = failed(std::move(settled.error()));
  }
  co_return outcome;
}

base::Task<acme::Outcome<std::optional<AcmeIssuer::Proof>>> AcmeIssuer::prepare(Attempt& attempt,
                                                                                std::string url) {
  auto read = co_await acme::read_authorization(connection_->client, attempt.account, url,
                                                attempt.deadline);
  if (!read) co_return failed(std::move(read.error()));
  acme::Authorization& authorization = *read;
  if (authorization.valid()) co_return std::optional<Proof>();
  const std::string name = authorization.name();
  if (std::ranges::find(attempt.names, name) == attempt.names.end()) {
    co_return acme::malformed("the CA wants proof for " + name + ", which was not ordered");
  }
  if (!authorization.pending()) {
    co_return failed(
        base::Error(Code::kDenied, Side::kCa, base::Retry::kYes,
                    "the CA's authorization of " + name + " is " + authorization.status));
  }
  const ChallengeMemory memory{parts_.storage, id_};
  if (!attempt.tried.contains(name)) {
    const auto known = co_await memory.recall(name);
    if (known) choice_.worked(name, *known);
  }
  const acme::Challenge* challenge = choice_.choose(authorization, attempt.tried);
  if (challenge == nullptr) {
    std::vector<std::string> offered;
    for (const acme::Challenge& one : authorization.challenges) offered.push_back(one.type);
    std::vector<std::string> ours;
    for (const ChallengeType type : choice_.types()) ours.emplace_back(acme::name(type));
    const std::string what = "no challenge is left for " + name + ": the CA offers, at " + url +
                             ", [" + listed(offered) + "], answered here are [" + listed(ours) +
                             "]";
    attempt.blamed.emplace_back(name, what, true);
    co_return failed(base::Error(Code::kUnsupported, Side::kCa, what + attempt.reasons));
  }
  acme::Challenge chosen = *challenge;
  const ChallengeType type = *acme::challenge_type(chosen.type);
  auto answered = co_await answer(attempt, authorization.identifier, type, chosen.token);
  if (!answered && type == ChallengeType::kDns01) {
    answered.error().error.detail = "dns-01 for " + name + ": " + answered.error().error.detail;
    co_return failed(note_failure(attempt, authorization, type, std::move(answered.error()), true));
  }
  if (!answered) co_return failed(std::move(answered.error()));
  std::optional<Proof> proof;
  proof.emplace(std::move(authorization), std::move(chosen), type, std::move(*answered));
  co_return std::move(proof);
}

base::Task<acme::Outcome<ChallengeAnswer>> AcmeIssuer::answer(Attempt& attempt, std::string name,
                                                              ChallengeType type,
                                                              std::string token) {
  auto authorization = acme::key_authorization(token, attempt.account.key);
  if (!authorization) co_return failed(std::move(authorization.error()));
  if (type == ChallengeType::kDns01) {
    auto standing =
        co_await answer_dns(std::move(name), acme::dns_value(*authorization), attempt.deadline);
    co_return std::move(standing);
  }
  if (type == ChallengeType::kHttp01) {
    if (parts_.challenges.put_http(token, *authorization)) {
      co_return ChallengeAnswer(parts_.challenges, std::move(token));
    }
    co_return failed(base::Error(Code::kOverload, "too many challenges are in flight"));
  }
  auto make = [name, text = *authorization, key = connection_->challenge_key] {
    return tls::challenge_certificate(name, text, key);
  };
  auto certificate = co_await parts_.blocking.run(std::move(make));
  if (!certificate) co_return failed(std::move(certificate.error()));
  std::string server_name = acme::challenge_server_name(name);
  if (parts_.challenges.put_tls_alpn(server_name, *certificate)) {
    co_return ChallengeAnswer(parts_.challenges, std::move(server_name), std::move(*certificate));
  }
  co_return failed(base::Error(Code::kOverload, "too many challenges are in flight"));
}

base::Task<acme::Outcome<ChallengeAnswer>> AcmeIssuer::answer_dns(std::string name,
                                                                  std::string value,
                                                                  base::Deadline deadline) {
  auto record = co_await dns_->present(std::move(name), std::move(value), deadline);
  if (!record) co_return failed(std::move(record.error()));
  co_return ChallengeAnswer(std::move(*record));
}

// Remembers that a challenge failed; its failure, with the reasons of those before it.
acme::Failure AcmeIssuer::note_failure(Attempt& attempt, const acme::Authorization& authorization,
                                       ChallengeType type, acme::Failure failure, bool other) {
  const std::string name = authorization.name();
  choice_.failed(name, type);
  attempt.challenge_failed = true;
  attempt.tried[name].insert(type);
  const std::string reason = failure.error.detail;
  const bool lasting = failure.problem && failure.problem->handling().lasting;
  attempt.blamed.emplace_back(name, reason, lasting);
  failure.error.detail += attempt.reasons;
  attempt.reasons += "; before that, " + reason;
  if (other && choice_.choose(authorization, attempt.tried) != nullptr) {
    attempt.other_challenge = true;
  }
  return failure;
}

base::Task<acme::Outcome<>> AcmeIssuer::settle(Attempt& attempt, const Proof& proof) {
  const std::string name = proof.authorization.name();
  auto settled = co_await acme::await_authorization(connection_->client, attempt.account,
                                                    proof.authorization.url, attempt.deadline);
  if (!settled) co_return failed(std::move(settled.error()));
  if (settled->valid()) {
    choice_.worked(name, proof.type);
    const ChallengeMemory memory{parts_.storage, id_};
    co_await memory.note(name, proof.type, proof.type == choice_.types().front());
    co_return acme::Outcome<>();
  }
  acme::Failure failure(base::Error(Code::kDenied, Side::kCa, base::Retry::kYes,
                                    "the authorization is " + settled->status));
  const std::string what = std::string(acme::name(proof.type)) + " for " + name;
  bool other = true;
  if (const acme::Problem* problem = settled->problem()) {
    failure = acme::Failure(what, *problem);
    other = problem->handling().other_challenge;
  } else {
    failure.error.detail = "the CA refused " + what + ": " + failure.error.detail;
  }
  const bool led_here = proof.type == ChallengeType::kDns01 || base::is_ip_literal(name);
  const bool look = co_await is_public(attempt.deadline);
  if (look && !led_here) {
    const auto deadline = base::Deadline::in(Preflight::kTime).min(attempt.deadline);
    const std::string elsewhere = co_await preflight_.where(name, deadline);
    if (!elsewhere.empty()) failure.error.detail += "; " + elsewhere;
  }
  co_return failed(
      note_failure(attempt, proof.authorization, proof.type, std::move(failure), other));
}

base::Task<AcmeIssuer::Certified> AcmeIssuer::finish(Attempt& attempt, acme::Order order) {
  auto make = [key = attempt.key, names = attempt.names] {
    return tls::certificate_request(key, names);
  };
  auto request = co_await parts_.blocking.run(std::move(make));
  if (!request) co_return failed(std::move(request.error()));
  auto valid = co_await acme::finalize_order(connection_->client, attempt.account, std::move(order),
                                             std::move(*request), attempt.deadline);
  if (!valid) co_return failed(std::move(valid.error()));
  std::vector<std::string> alternates;
  auto first = co_await download(attempt, valid->certificate, alternates);
  if (!first || options_.preferred_chain.empty()) co_return std::move(first);
  co_return co_await prefer(attempt, std::move(*first), std::move(alternates));
}

base::Task<AcmeIssuer::Certified> AcmeIssuer::download(Attempt& attempt, std::string url,
                                                       std::vector<std::string>& alternates) {
  auto chain = co_await acme::download_certificate(connection_->client, attempt.account,
                                                   std::move(url), attempt.deadline);
  if (!chain) co_return failed(std::move(chain.error()));
  alternates = std::move(chain->alternates);
  auto check = [pem = std::move(chain->pem), key = attempt.key, names = attempt.names] {
    return check_chain(pem, key, names);
  };
  auto certificate = co_await parts_.blocking.run(std::move(check));
  if (!certificate) co_return failed(std::move(certificate.error()));
  co_return std::move(*certificate);
}

// One of the CA's other chains, where that is preferred. None of them is worth to lose the first.
base::Task<tls::CertificateRef> AcmeIssuer::prefer(Attempt& attempt, tls::CertificateRef first,
                                                   std::vector<std::string> alternates) {
  std::vector<tls::CertificateRef> chains(1, first);
  for (const std::string& url : alternates) {
    std::vector<std::string> none;
    auto chain = co_await download(attempt, url, none);
    if (chain) {
      chains.push_back(std::move(*chain));
      continue;
    }
    base::log::warn("another chain of a certificate cannot be had",
                    {{"names", listed(attempt.names)}, {"error", chain.error().error.detail}});
  }
  if (auto chosen = choose_chain(chains, options_.preferred_chain)) co_return chosen;
  std::vector<std::string> tops;
  for (const auto& chain : chains) tops.push_back(top_issuer(*chain));
  base::log::warn("the CA has no chain such as preferred_chain says; serving its own choice",
                  {{"names", listed(attempt.names)},
                   {"preferred_chain", options_.preferred_chain},
                   {"issuers", listed(tops)}});
  co_return first;
}

}  // namespace gatehouse::certs
