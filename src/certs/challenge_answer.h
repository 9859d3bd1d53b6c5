// One answer to a challenge, which goes with its owner.
#pragma once

#include <optional>
#include <string>
#include <utility>

#include "certs/challenge_store.h"
#include "certs/dns_challenges.h"

namespace gatehouse::certs {

// Stands in the ChallengeStore (which outlives it) as long as this lives, or in DNS until its
// record is taken and withdrawn.
class ChallengeAnswer {
 public:
  ChallengeAnswer() = default;  // one that stays where it is
  explicit ChallengeAnswer(DnsRecord record) : record_(std::move(record)) {}
  ChallengeAnswer(ChallengeStore& store, std::string token)
      : store_(&store), name_(std::move(token)) {}
  ChallengeAnswer(ChallengeStore& store, std::string server_name, tls::CertificateRef certificate)
      : store_(&store), name_(std::move(server_name)), certificate_(std::move(certificate)) {}
  ChallengeAnswer(ChallengeAnswer&& other) noexcept
      : store_(std::exchange(other.store_, nullptr)),
        name_(std::move(other.name_)),
        certificate_(std::move(other.certificate_)),
        record_(std::exchange(other.record_, std::nullopt)) {}
  ChallengeAnswer& operator=(ChallengeAnswer&&) = delete;
  ~ChallengeAnswer() {
    if (store_ == nullptr) return;
    if (certificate_) {
      store_->remove_tls_alpn(name_, certificate_);
    } else {
      store_->remove_http(name_);
    }
  }

  const std::string& name() const { return name_; }  // or token
  const tls::CertificateRef& certificate() const { return certificate_; }
  const std::optional<DnsRecord>& record() const { return record_; }
  std::optional<DnsRecord> take_record() { return std::exchange(record_, std::nullopt); }

 private:
  ChallengeStore* store_ = nullptr;
  std::string name_;  // or token
  tls::CertificateRef certificate_;
  std::optional<DnsRecord> record_;
};

}  // namespace gatehouse::certs
