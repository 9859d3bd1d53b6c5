// How an AcmeIssuer proves to its CA that the names of an order are ours.
#include <algorithm>

#include "acme/authorization.h"
#include "acme/challenge.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "certs/acme_attempt.h"
#include "certs/acme_issuer.h"
#include "certs/challenge_answer.h"
#include "certs/challenge_memory.h"
#include "certs/listed.h"
#include "tls/x509.h"

namespace gatehouse::certs {

namespace {

using acme::ChallengeType;
using acme::failed;
using base::Code;
using base::Side;

// The order's time is up, which is the fault of none of its names.
acme::Failure out_of_time(base::TimePoint began, const std::string& doing,
                          const std::string& last) {
  const auto took = std::chrono::duration_cast<std::chrono::seconds>(base::Clock::now() - began);
  return acme::Failure(base::Error(Code::kTimeout, Side::kLocal, base::Retry::kYes,
                                   "the time of this order was over after " +
                                       std::to_string(took.count()) + " s, while " + doing +
                                       (last.empty() ? "" : "; last: " + last)));
}

}  // namespace

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
    const bool set = !proofs.empty() && proofs.back().answer.record();
    if (attempt.deadline.passed() && (attempt.ours || set)) {
      attempt.ours = true;
      const std::string doing = "the answers to challenges were being set, of which " +
                                std::to_string(proofs.size()) + " stood, for " +
                                std::to_string(order.authorizations.size()) + " names";
      co_return failed(out_of_time(attempt.began, doing, proof.error().error.detail));
    }
    outcome = failed(std::move(proof.error()));
    if (attempt.blamed.size() == blamed) co_return outcome;  // it is not this one name's fault
  }
  if (outcome) outcome = co_await await_records(proofs, attempt);
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

// All were set before the first is awaited, so that their ways through DNS are gone together. Each
// is looked for, so that all that are not shown are known.
base::Task<acme::Outcome<>> AcmeIssuer::await_records(const std::vector<Proof>& proofs,
                                                      Attempt& attempt) {
  const base::TimePoint since = base::Clock::now();
  acme::Outcome<> outcome;
  std::size_t seen = 0;
  for (const Proof& proof : proofs) {
    const auto& record = proof.answer.record();
    if (!record) continue;
    auto shown = co_await dns_->shown(*record, since, attempt.deadline);
    if (shown) ++seen;
    if (shown) continue;
    attempt.ours = true;
    if (attempt.deadline.passed()) {
      const std::string doing = "DNS records were looked for, of which " + std::to_string(seen) +
                                " of " + std::to_string(proofs.size()) + " were seen";
      co_return failed(out_of_time(attempt.began, doing, shown.error().detail));
    }
    acme::Failure failure(std::move(shown.error()));
    failure.error.detail = std::string(acme::name(proof.type)) + " for " +
                           proof.authorization.name() + ": " + failure.error.detail;
    outcome =
        failed(note_failure(attempt, proof.authorization, proof.type, std::move(failure), true));
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
  TriedChallenges tried = attempt.tried;
  std::string unanswered;  // which would fail, and why
  while (const acme::Challenge* challenge = choice_.choose(authorization, tried)) {
    acme::Challenge chosen = *challenge;
    const ChallengeType type = *acme::challenge_type(chosen.type);
    auto answered = co_await answer(attempt, authorization, chosen, type);
    std::string wrong;
    if (!answered && acme::by_dns(type)) {
      wrong = chosen.type + " for " + name + ": " + answered.error().error.detail;
      answered.error().error.detail = wrong;
    }
    if (!answered && type != ChallengeType::kDnsPersist01) {
      attempt.ours = true;
      const bool blameless = !acme::by_dns(type) || attempt.deadline.passed();
      if (blameless) co_return failed(std::move(answered.error()));
      co_return failed(
          note_failure(attempt, authorization, type, std::move(answered.error()), true));
    }
    if (answered) {
      wrong = co_await rehearse(type, authorization.identifier, attempt, *answered);
    }
    if (wrong.empty()) {
      std::optional<Proof> proof;
      proof.emplace(std::move(authorization), std::move(chosen), type, std::move(*answered));
      co_return std::move(proof);
    }
    base::log::warn("a challenge would fail, as seen from here; the CA is not told to look",
                    {{"name", name}, {"issuer", id_}, {"error", wrong}});
    tried[name].insert(type);
    unanswered += (unanswered.empty() ? "" : "; ") + wrong;
  }
  if (unanswered.empty()) co_return failed(none_left(attempt, authorization));
  // The order stays as it is, for the next try to take up.
  attempt.ours = true;
  co_return failed(
      base::Error(Code::kRefused, Side::kLocal, base::Retry::kYes, unanswered + attempt.reasons));
}

acme::Failure AcmeIssuer::none_left(Attempt& attempt, const acme::Authorization& authorization) {
  const std::string name = authorization.name();
  std::vector<std::string> offered;
  for (const acme::Challenge& one : authorization.challenges) offered.push_back(one.type);
  std::vector<std::string> ours;
  for (const ChallengeType type : choice_.types()) ours.emplace_back(acme::name(type));
  const std::string what = "no challenge is left for " + name + ": the CA offers, at " +
                           authorization.url + ", [" + listed(offered) + "], answered here are [" +
                           listed(ours) + "]";
  attempt.blamed.emplace_back(name, what, true);
  return acme::Failure(base::Error(Code::kUnsupported, Side::kCa, what + attempt.reasons));
}

// Why the CA would not see the answer at our listeners; empty when it would.
base::Task<std::string> AcmeIssuer::rehearse(ChallengeType type, std::string name,
                                             const Attempt& attempt,
                                             const ChallengeAnswer& answer) {
  if (!options_.preflight || acme::by_dns(type)) co_return std::string();
  if (type == ChallengeType::kTlsAlpn01) {
    co_return co_await rehearsal_.tls_alpn(answer.name(), answer.certificate());
  }
  auto authorization = acme::key_authorization(answer.name(), attempt.account.key);
  if (!authorization) co_return std::string();
  co_return co_await rehearsal_.http(std::move(name), answer.name(), std::move(*authorization));
}

base::Task<acme::Outcome<ChallengeAnswer>> AcmeIssuer::answer(Attempt& attempt,
                                                              const acme::Authorization& of,
                                                              acme::Challenge challenge,
                                                              ChallengeType type) {
  const std::string name = of.identifier;
  if (type == ChallengeType::kDnsPersist01) {
    PersistentRecord wanted;
    wanted.issuers = std::move(challenge.issuer_domains);
    wanted.account = attempt.account.url;
    wanted.wildcard = of.wildcard;
    auto stands = co_await dns_->persist(name, std::move(wanted), attempt.deadline);
    if (!stands) co_return failed(std::move(stands.error()));
    co_return ChallengeAnswer();
  }
  std::string token = std::move(challenge.token);
  auto authorization = acme::key_authorization(token, attempt.account.key);
  if (!authorization) co_return failed(std::move(authorization.error()));
  if (acme::by_dns(type)) {
    std::string label = "_acme-challenge";
    if (type == ChallengeType::kDnsAccount01) {
      label = acme::dns_account_label(attempt.account.url) + "." + label;
    }
    auto record = co_await dns_->present(name, acme::dns_value(*authorization), attempt.deadline,
                                         std::move(label));
    if (!record) co_return failed(std::move(record.error()));
    co_return ChallengeAnswer(std::move(*record));
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
  const bool led_here = acme::by_dns(proof.type) || base::is_ip_literal(name);
  const auto directory = co_await public_directory(attempt.deadline);
  if (directory && *directory && !led_here) {
    const auto deadline = base::Deadline::in(Preflight::kTime).min(attempt.deadline);
    const std::string elsewhere = co_await preflight_.where(name, deadline);
    if (!elsewhere.empty()) failure.error.detail += "; " + elsewhere;
  }
  if (options_.preflight && !acme::by_dns(proof.type)) {
    const std::string places = rehearsal_.elsewhere(proof.type == ChallengeType::kTlsAlpn01);
    if (!places.empty()) failure.error.detail += "; " + places;
  }
  co_return failed(
      note_failure(attempt, proof.authorization, proof.type, std::move(failure), other));
}

}  // namespace gatehouse::certs
