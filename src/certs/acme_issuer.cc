#include "certs/acme_issuer.h"

#include <algorithm>

#include "acme/authorization.h"
#include "acme/certificate.h"
#include "acme/challenge.h"
#include "base/log.h"
#include "certs/chain_choice.h"
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
  return base::fail(certificate.error().code, Side::kCa, base::Retry::kYes,
                    "the CA's certificate is not what was ordered: " + certificate.error().detail);
}

IssueError to_issue_error(acme::Failure failure, bool of_challenge) {
  IssueError out(std::move(failure.error));
  if (failure.retry_after) {
    out.not_before = base::Deadline(base::Clock::now() + *failure.retry_after);
  }
  if (failure.problem) {
    acme::Handling handling = failure.problem->handling();
    // The same token says that a challenge was answered wrongly, and that an account is not valid.
    if (failure.is("unauthorized") && !of_challenge) {
      handling = acme::find_problem_type("externalAccountRequired")->handling;
    }
    out.lasting = handling.lasting;
    out.other_issuer = handling.other_issuer;
    out.whole_issuer = handling.whole_ca || failure.problem->limits_everybody();
    out.advice = failure.problem->advice();
    out.problem = failure.problem->type;
    return out;
  }
  const Code code = out.error.code;
  out.lasting =
      out.error.retry == base::Retry::kNo && (code == Code::kDenied || code == Code::kUnsupported);
  // It could not be reached, or does not speak ACME. What is our own fault says nothing of it.
  out.whole_issuer =
      out.error.side == Side::kCa && code != Code::kDenied && code != Code::kUnsupported;
  if (out.error.side == Side::kCa) {
    out.advice = out.whole_issuer
                     ? "see whether the CA can be reached from here, and its status page"
                     : "read what the CA says; name another issuer meanwhile";
  }
  return out;
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) out += (out.empty() ? "" : ", ") + word;
  return out;
}

}  // namespace

// One issue(): what it wants, and what it has learnt.
struct AcmeIssuer::Attempt {
  std::vector<std::string> names;
  tls::PrivateKey key;
  base::Deadline deadline;
  Urgency urgency;
  unsigned orders;  // at most
  acme::NewOrder wanted;
  acme::Account account;
  TriedChallenges tried;
  std::string reasons;  // of challenges that failed, for the error
  bool challenge_failed = false;
  bool other_challenge = false;  // a new order with another type may succeed

  Attempt(IssueRequest request, const std::string& profile)
      : names(std::move(request.names)),
        key(std::move(request.key)),
        deadline(request.deadline),
        urgency(request.urgency),
        orders(request.failed_before ? kOrdersAgain : kOrders),
        wanted(names) {
    wanted.profile = profile;
    if (request.replaces) wanted.replaces = acme::certificate_id(request.replaces->leaf());
  }

  void forget_challenges() {
    tried.clear();
    reasons.clear();
  }
};

// An answer that stands in the ChallengeStore as long as this lives, or in DNS until it is
// withdrawn.
class AcmeIssuer::Answer {
 public:
  explicit Answer(DnsRecord record) : record_(std::move(record)) {}
  Answer(ChallengeStore& store, std::string token) : store_(&store), name_(std::move(token)) {}
  Answer(ChallengeStore& store, std::string name, tls::CertificateRef certificate)
      : store_(&store), name_(std::move(name)), certificate_(std::move(certificate)) {}
  Answer(Answer&& other) noexcept
      : store_(std::exchange(other.store_, nullptr)),
        name_(std::move(other.name_)),
        certificate_(std::move(other.certificate_)),
        record_(std::exchange(other.record_, std::nullopt)) {}
  Answer& operator=(Answer&&) = delete;
  ~Answer() {
    if (store_ == nullptr) return;
    if (certificate_) {
      store_->remove_tls_alpn(name_, certificate_);
    } else {
      store_->remove_http(name_);
    }
  }

  std::optional<DnsRecord> take_record() { return std::exchange(record_, std::nullopt); }

 private:
  ChallengeStore* store_ = nullptr;
  std::string name_;  // or token
  tls::CertificateRef certificate_;
  std::optional<DnsRecord> record_;
};

// An authorization that the CA is to look at.
struct AcmeIssuer::Proof {
  acme::Authorization authorization;
  acme::Challenge challenge;
  ChallengeType type;
  Answer answer;

  Proof(acme::Authorization a, acme::Challenge c, ChallengeType t, Answer w)
      : authorization(std::move(a)), challenge(std::move(c)), type(t), answer(std::move(w)) {}
};

AcmeIssuer::AcmeIssuer(Parts parts, AcmeOptions options, std::unique_ptr<DnsChallenges> dns)
    : parts_(parts),
      options_(std::move(options)),
      id_(issuer_id_of(options_.directory)),
      choice_(options_.challenges, options_.dns),
      dns_(std::move(dns)),
      connecting_(parts_.loop, 1, kConnectQueued) {
  if (const CaLimits* limits = limits_of(id_)) pace_.emplace(*limits);
}

AcmeIssuer::~AcmeIssuer() = default;

base::Task<std::expected<tls::CertificateRef, IssueError>> AcmeIssuer::issue(IssueRequest request) {
  auto connected = co_await connect(request.deadline);
  if (!connected) co_return std::unexpected(IssueError(std::move(connected.error())));
  Attempt attempt(std::move(request), options_.profile);
  auto certificate = co_await obtain(attempt);
  if (certificate) co_return std::move(*certificate);
  IssueError error = to_issue_error(std::move(certificate.error()), attempt.challenge_failed);
  error.of_challenge = !attempt.tried.empty();
  co_return std::unexpected(std::move(error));
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
    auto certificate = co_await order(attempt);
    if (certificate) {
      account_url_ = attempt.account.url;
      co_return std::move(*certificate);
    }
    if (certificate.error().problem && !account_again) {
      account_again =
          co_await connection_->account.outdated(attempt.account, since, certificate.error());
      // What was answered with another key says nothing of the challenges.
      if (account_again) attempt.forget_challenges();
      if (account_again) continue;
    }
    if (!attempt.other_challenge || ++orders >= attempt.orders) {
      co_return failed(std::move(certificate.error()));
    }
    base::log::info("a challenge failed; trying another type in a new order",
                    {{"names", listed(attempt.names)},
                     {"issuer", id_},
                     {"error", certificate.error().error.detail}});
  }
}

base::Task<AcmeIssuer::Certified> AcmeIssuer::order(Attempt& attempt) {
  if (pace_) {
    auto allowed = co_await keep_pace(*pace_, parts_.storage, id_, attempt.urgency);
    if (!allowed) co_return failed(std::move(allowed.error()));
  }
  auto order = co_await place_order(connection_->client, attempt.account, attempt.wanted,
                                    options_.profile_required, attempt.deadline);
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
  for (const std::string& url : order.authorizations) {
    auto proof = co_await prepare(attempt, url);
    if (!proof) co_return failed(std::move(proof.error()));
    if (*proof) proofs.push_back(std::move(**proof));
  }
  for (const Proof& proof : proofs) {
    auto begun = co_await acme::begin_challenge(connection_->client, attempt.account,
                                                proof.challenge, attempt.deadline);
    if (!begun) co_return failed(std::move(begun.error()));
  }
  // Every one is awaited, so that all that can be learnt of this order is learnt.
  acme::Outcome<> outcome;
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
  const acme::Challenge* challenge = choice_.choose(authorization, attempt.tried);
  if (challenge == nullptr) {
    std::vector<std::string> offered;
    for (const acme::Challenge& one : authorization.challenges) offered.push_back(one.type);
    std::vector<std::string> ours;
    for (const ChallengeType type : choice_.types()) ours.emplace_back(acme::name(type));
    co_return failed(base::Error(Code::kUnsupported, Side::kCa,
                                 "no challenge is left for " + name + ": the CA offers, at " + url +
                                     ", [" + listed(offered) + "], answered here are [" +
                                     listed(ours) + "]" + attempt.reasons));
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

base::Task<acme::Outcome<AcmeIssuer::Answer>> AcmeIssuer::answer(Attempt& attempt, std::string name,
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
      co_return Answer(parts_.challenges, std::move(token));
    }
    co_return failed(base::Error(Code::kOverload, "too many challenges are in flight"));
  }
  auto make = [name, text = *authorization, key = connection_->challenge_key] {
    return tls::challenge_certificate(name, text, key);
  };
  auto certificate = co_await parts_.blocking.run(std::move(make));
  if (!certificate) co_return failed(std::move(certificate.error()));
  if (parts_.challenges.put_tls_alpn(name, *certificate)) {
    co_return Answer(parts_.challenges, std::move(name), std::move(*certificate));
  }
  co_return failed(base::Error(Code::kOverload, "too many challenges are in flight"));
}

base::Task<acme::Outcome<AcmeIssuer::Answer>> AcmeIssuer::answer_dns(std::string name,
                                                                     std::string value,
                                                                     base::Deadline deadline) {
  auto record = co_await dns_->present(std::move(name), std::move(value), deadline);
  if (!record) co_return failed(std::move(record.error()));
  co_return Answer(std::move(*record));
}

// Remembers that a challenge failed; its failure, with the reasons of those before it.
acme::Failure AcmeIssuer::note_failure(Attempt& attempt, const acme::Authorization& authorization,
                                       ChallengeType type, acme::Failure failure, bool other) {
  const std::string name = authorization.name();
  choice_.failed(name, type);
  attempt.challenge_failed = true;
  attempt.tried[name].insert(type);
  const std::string reason = failure.error.detail;
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
