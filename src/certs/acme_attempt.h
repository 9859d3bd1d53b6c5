// What one AcmeIssuer::issue() wants, and has learnt so far.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "acme/authorization.h"
#include "acme/challenge.h"
#include "acme/renewal_info.h"
#include "base/endpoint.h"
#include "certs/acme_issuer.h"
#include "certs/challenge_answer.h"
#include "certs/challenge_choice.h"

namespace gatehouse::certs {

struct AcmeIssuer::Attempt {
  std::vector<std::string> names;
  std::string label;  // of the order in storage
  tls::PrivateKey key;
  base::Deadline deadline;
  Urgency urgency;
  unsigned orders;       // at most
  bool renewal;          // no new certificate to the limits of a CA
  bool counted = false;  // with those of its registered domains
  acme::NewOrder wanted;
  std::string profile;            // in which it was wanted at first
  std::string before;             // the serial of the certificate that is replaced
  bool fresh = false;             // no order of an earlier life is taken up
  bool resumed = false;           // the order is one of an earlier life
  std::vector<NameError> blamed;  // by this order
  acme::Account account;
  TriedChallenges tried;
  std::string reasons;  // of challenges that failed, for the error
  bool challenge_failed = false;
  bool ours = false;       // what failed was on our side, and would fail with other CAs too
  bool too_early = false;  // by this machine's clock, for the certificate
  bool issued = false;     // the CA has signed, whatever became of it
  base::TimePoint began = base::Clock::now();
  bool other_challenge = false;  // a new order with another type may succeed

  Attempt(IssueRequest request, const AcmeOptions& options)
      : names(std::move(request.names)),
        label(std::move(request.label)),
        key(std::move(request.key)),
        deadline(request.deadline),
        urgency(request.urgency),
        orders(request.failed_before ? kOrdersAgain : kOrders),
        renewal(request.again),
        wanted(names) {
    wanted.profile = options.profile;
    if (wanted.profile.empty() && std::ranges::any_of(names, base::is_ip_literal)) {
      wanted.profile = options.address_profile;
    }
    profile = wanted.profile;
    if (request.replaces) before = request.replaces->leaf().serial;
    if (request.replaces) wanted.replaces = acme::certificate_id(request.replaces->leaf());
  }

  void forget_challenges() {
    tried.clear();
    reasons.clear();
  }
};

// An authorization that the CA is to look at.
struct AcmeIssuer::Proof {
  acme::Authorization authorization;
  acme::Challenge challenge;
  acme::ChallengeType type;
  ChallengeAnswer answer;

  Proof(acme::Authorization a, acme::Challenge c, acme::ChallengeType t, ChallengeAnswer w)
      : authorization(std::move(a)), challenge(std::move(c)), type(t), answer(std::move(w)) {}
};

}  // namespace gatehouse::certs
