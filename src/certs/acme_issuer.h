// Certificates from an ACME CA: the order flow of RFC 8555 7.1.6 over the resources in acme/.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "acme/account.h"
#include "acme/client.h"
#include "acme/order.h"
#include "base/blocking_pool.h"
#include "base/resolver.h"
#include "certs/acme_connection.h"
#include "certs/challenge_answer.h"
#include "certs/challenge_choice.h"
#include "certs/challenge_store.h"
#include "certs/dns_challenges.h"
#include "certs/domain_paces.h"
#include "certs/issuer.h"
#include "certs/issuer_id.h"
#include "certs/open_order.h"
#include "certs/pace.h"
#include "certs/preflight.h"
#include "certs/rehearsal.h"
#include "certs/slots.h"
#include "http/client.h"
#include "storage/storage.h"
#include "tls/context.h"

namespace gatehouse::certs {

class AcmeIssuer : public Issuer {
 public:
  static constexpr std::size_t kConnectQueued = 4096;  // who wait for the first to find the CA
  // Orders for one issue(): each challenge type once, and a spare where names of one certificate
  // need different types.
  static constexpr unsigned kOrders = 3;
  // For one whose challenges have failed before. With the pauses of retry_delay() that makes five
  // failed validations of a name in an hour at most: as many as Let's Encrypt lets fail.
  static constexpr unsigned kOrdersAgain = 1;

  // What it works with; all outlive it.
  struct Parts {
    base::Loop& loop;  // control's
    base::BlockingPool& blocking;
    base::Resolver& resolver;
    storage::Storage& storage;
    ChallengeStore& challenges;
  };

  // `dns` is needed when one of the challenges is by DNS.
  AcmeIssuer(Parts parts, AcmeOptions options, std::unique_ptr<DnsChallenges> dns = nullptr);
  ~AcmeIssuer() override;

  const std::string& id() const override { return id_; }
  bool validates() const override { return true; }
  Origin origin() const override { return Origin{options_.directory, account_url_}; }

  // As Issuer says. An order that an earlier life has begun is taken up. A challenge that fails
  // makes way for the next type in a new order, one that our own listeners do not answer in the
  // same; answers never outlive the order. Errors have side kCa where the CA said no.
  base::Task<std::expected<tls::CertificateRef, IssueError>> issue(IssueRequest request) override;

  // Where names are proved by DNS: until records are set and shown.
  base::Duration extra_time(std::size_t names) const override;
  base::Task<acme::Outcome<acme::RenewalInfo>> renewal_info(tls::CertificateRef certificate,
                                                            base::Deadline deadline) override;
  base::Task<void> forget_order(std::string name) override;
  base::Task<void> remove_leftovers() override;
  std::string leftovers() const override { return dns_ ? dns_->folder() : std::string(); }

 private:
  struct Attempt;
  struct Proof;
  using Certified = acme::Outcome<tls::CertificateRef>;

  base::Task<base::Result<void>> connect(base::Deadline deadline);
  base::Task<Certified> obtain(Attempt& attempt);
  base::Task<Certified> order(Attempt& attempt);
  base::Task<acme::Outcome<>> look_at_dns(Attempt& attempt);
  base::Task<std::optional<acme::Problem>> probe(std::string name,
                                                 std::vector<std::string> addresses);
  base::Task<acme::Outcome<>> keep_limits(Attempt& attempt);
  base::Task<acme::Outcome<std::optional<acme::Directory>>> public_directory(
      base::Deadline deadline);
  base::Task<acme::Outcome<acme::Order>> open_order(Attempt& attempt);
  base::Task<acme::Outcome<std::optional<acme::Order>>> take_up(Attempt& attempt, OpenOrder known);
  base::Task<acme::Outcome<>> prove(Attempt& attempt, const acme::Order& order);
  base::Task<acme::Outcome<>> prove_with(std::vector<Proof>& proofs, Attempt& attempt,
                                         const acme::Order& order);
  base::Task<acme::Outcome<std::optional<Proof>>> prepare(Attempt& attempt, std::string url);
  base::Task<acme::Outcome<>> await_records(const std::vector<Proof>& proofs, Attempt& attempt);
  base::Task<std::string> rehearse(acme::ChallengeType type, std::string name,
                                   const Attempt& attempt, const ChallengeAnswer& answer);
  acme::Failure none_left(Attempt& attempt, const acme::Authorization& authorization);
  base::Task<acme::Outcome<>> settle(Attempt& attempt, const Proof& proof);
  base::Task<acme::Outcome<ChallengeAnswer>> answer(Attempt& attempt, const acme::Authorization& of,
                                                    acme::Challenge challenge,
                                                    acme::ChallengeType type);
  acme::Failure note_failure(Attempt& attempt, const acme::Authorization& authorization,
                             acme::ChallengeType type, acme::Failure failure, bool other);
  base::Task<Certified> finish(Attempt& attempt, acme::Order order);
  base::Task<Certified> download(Attempt& attempt, std::string url,
                                 std::vector<std::string>& alternates);
  base::Task<tls::CertificateRef> prefer(Attempt& attempt, tls::CertificateRef first,
                                         std::vector<std::string> alternates);

  Parts parts_;
  AcmeOptions options_;
  std::string id_;
  ChallengeChoice choice_;
  OpenOrders open_;
  std::unique_ptr<DnsChallenges> dns_;
  std::string account_url_;   // of the last certificate
  bool forgot_full_ = false;  // the counts of registered domains that say nothing
  // Where the CA's limits are known.
  std::optional<Pace> pace_;
  std::optional<DomainPaces> domains_;
  Preflight preflight_;
  Rehearsal rehearsal_;
  Slots connecting_;                            // one at a time
  std::unique_ptr<AcmeConnection> connection_;  // made at the first order: it reads files
};

}  // namespace gatehouse::certs
