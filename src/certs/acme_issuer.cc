#include "certs/acme_issuer.h"

#include <algorithm>

#include "acme/certificate.h"
#include "acme/retry_after.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "certs/acme_attempt.h"
#include "certs/acme_failure.h"
#include "certs/chain_choice.h"
#include "certs/listed.h"
#include "certs/moment.h"
#include "certs/placement.h"
#include "tls/x509.h"

namespace gatehouse::certs {

namespace {

using acme::ChallengeType;
using acme::failed;
using base::Code;
using base::Side;

struct Checked {
  tls::CertificateRef certificate;
  bool too_early = false;  // for it, by this machine's clock: it was not looked at any further

  Checked(tls::CertificateRef c, bool early) : certificate(std::move(c)), too_early(early) {}
};

base::Result<Checked> check_chain(const std::string& pem, const tls::PrivateKey& key,
                                  const std::vector<std::string>& names) {
  auto certificate = tls::Certificate::make(pem, key);
  if (certificate) {
    const base::WallTime now = base::wall_now();
    const bool early = (*certificate)->leaf().not_before > now + tls::kClockSkew;
    if (early) return Checked(std::move(*certificate), true);
    auto checked = tls::check_issued(**certificate, names, now);
    if (checked) return Checked(std::move(*certificate), false);
    certificate = base::fail(std::move(checked.error()));
  }
  return base::fail(Code::kMalformed, Side::kCa, base::Retry::kYes,
                    "the CA's certificate is not what was ordered: " + certificate.error().detail);
}

// The order stays, and is taken up when the clock says otherwise: another would be no better.
acme::Failure too_early(base::WallTime begins) {
  const base::WallTime now = base::wall_now();
  acme::Failure failure(base::Error(Code::kTimeout, Side::kLocal, base::Retry::kYes,
                                    "the CA's certificate is valid from " + text_of(begins) +
                                        " UTC on, and by this machine's clock it is " +
                                        text_of(now) + " UTC"));
  failure.retry_after = std::min(begins - now, acme::kLongestRetryAfter);
  return failure;
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
      rehearsal_(parts_.loop, options_.listeners, options_.proxied),
      connecting_(parts_.loop, 1, kConnectQueued) {
  const CaLimits* limits = options_.limits != nullptr ? options_.limits : limits_of(id_);
  if (limits == nullptr) return;
  pace_.emplace(limits->orders);
  domains_.emplace(parts_.loop, parts_.storage, id_, *limits);
}

AcmeIssuer::~AcmeIssuer() = default;

base::Task<std::expected<tls::CertificateRef, IssueError>> AcmeIssuer::issue(IssueRequest request) {
  auto connected = co_await connect(request.deadline);
  if (!connected) co_return std::unexpected(IssueError(std::move(connected.error())));
  Attempt attempt(std::move(request), options_);
  auto certificate = co_await obtain(attempt);
  if (certificate) co_return std::move(*certificate);
  if (attempt.counted && !attempt.issued) co_await domains_->give_back(attempt.names);
  acme::Failure& failure = certificate.error();
  if (attempt.blamed.empty() && failure.problem) {
    attempt.blamed = blamed_names(*failure.problem, attempt.names);
  }
  IssueError error = to_issue_error(std::move(failure), attempt.challenge_failed);
  error.of_challenge = !attempt.tried.empty();
  error.names = std::move(attempt.blamed);
  if (attempt.ours) error.other_issuer = false;
  if (attempt.too_early) error.advice = "look at this machine's clock: it is behind the CA's";
  co_return std::unexpected(std::move(error));
}

base::Duration AcmeIssuer::extra_time(std::size_t names) const {
  return dns_ ? dns_->time_for(names) : base::Duration(0);
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
  if (!domains_ || forgot_full_) co_return;
  forgot_full_ = true;
  co_await domains_->forget_full();
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
    attempt.ours = false;
    attempt.blamed.clear();
    auto certificate = co_await order(attempt);
    // An order that was not forgotten in time may be the one of the certificate that is replaced.
    attempt.fresh = attempt.resumed;
    if (certificate && attempt.resumed && (*certificate)->leaf().serial == attempt.before) continue;
    if (certificate) {
      account_url_ = attempt.account.url;
      co_return std::move(*certificate);
    }
    // What failed on our side before the CA looked leaves the order as it was.
    const bool over = !attempt.ours && !may_be_taken_up(certificate.error());
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

// The directory of a CA whose DNS is ours too; nothing where DNS is not to be asked. A CA that is
// no public one may see another DNS than we do.
base::Task<acme::Outcome<std::optional<acme::Directory>>> AcmeIssuer::public_directory(
    base::Deadline deadline) {
  std::optional<acme::Directory> none;
  if (!options_.preflight) co_return none;
  auto directory = co_await connection_->client.directory(deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  if (directory->caa_identities.empty()) co_return none;
  co_return std::optional<acme::Directory>(std::move(*directory));
}

// What is known to fail is not ordered. Of several names each is looked at, so that the others may
// be ordered without it.
base::Task<acme::Outcome<>> AcmeIssuer::look_at_dns(Attempt& attempt) {
  auto directory = co_await public_directory(attempt.deadline);
  if (!directory) co_return failed(std::move(directory.error()));
  if (!*directory) co_return acme::Outcome<>();
  CaaSubject subject;
  subject.identities = (*directory)->caa_identities;
  subject.account = attempt.account.url;
  for (const ChallengeType type : choice_.types()) subject.methods.emplace_back(acme::name(type));
  const bool by_dns = choice_.any_by_dns();
  const base::Deadline deadline = base::Deadline::in(Preflight::kTime).min(attempt.deadline);
  acme::Outcome<> outcome;
  for (const std::string& name : attempt.names) {
    if (base::is_ip_literal(name)) continue;
    const bool by_address = !by_dns && !name.starts_with("*.");
    Preflight::Look seen = co_await preflight_.look(name, by_address, subject, deadline);
    std::optional<acme::Problem> objection = std::move(seen.objection);
    // Who brought a visitor here would bring the CA.
    const bool nobody_came = attempt.urgency != Urgency::kHandshake;
    if (!objection && nobody_came && !seen.addresses.empty()) {
      objection = co_await probe(name, std::move(seen.addresses));
    }
    if (!objection) continue;
    attempt.blamed.emplace_back(name, objection->text(), objection->handling().lasting);
    acme::Failure failure("", std::move(*objection));
    failure.error.detail = "no order was placed: " + failure.problem->text();
    outcome = failed(std::move(failure));
  }
  co_return outcome;
}

// What the CA would refuse by the limits that it publishes is not ordered. One certificate comes of
// an attempt, however many orders it takes.
base::Task<acme::Outcome<>> AcmeIssuer::keep_limits(Attempt& attempt) {
  if (!pace_) co_return acme::Outcome<>();
  if (!attempt.renewal && !attempt.counted) {
    auto allowed = co_await domains_->take(attempt.names, attempt.urgency);
    if (!allowed) co_return failed(std::move(allowed.error()));
    attempt.counted = true;
  }
  auto allowed = co_await keep_pace(*pace_, parts_.storage, id_, attempt.urgency);
  // Of what it has signed before a CA limits only how often it does so (Record::wait_for_next).
  if (!allowed && !attempt.renewal) co_return failed(std::move(allowed.error()));
  co_return acme::Outcome<>();
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
  auto allowed = co_await keep_limits(attempt);
  if (!allowed) co_return failed(std::move(allowed.error()));
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

base::Task<AcmeIssuer::Certified> AcmeIssuer::finish(Attempt& attempt, acme::Order order) {
  auto make = [key = attempt.key, names = attempt.names] {
    return tls::certificate_request(key, names);
  };
  auto request = co_await parts_.blocking.run(std::move(make));
  if (!request) co_return failed(std::move(request.error()));
  auto valid = co_await acme::finalize_order(connection_->client, attempt.account, std::move(order),
                                             std::move(*request), attempt.deadline);
  if (!valid) co_return failed(std::move(valid.error()));
  attempt.issued = true;
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
  auto checked = co_await parts_.blocking.run(std::move(check));
  if (!checked) co_return failed(std::move(checked.error()));
  if (!checked->too_early) co_return std::move(checked->certificate);
  attempt.ours = true;
  attempt.too_early = true;
  co_return failed(too_early(checked->certificate->leaf().not_before));
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
