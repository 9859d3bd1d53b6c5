// Where it is noted what happens to certificates, for those who are to be told (certs/hooks).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/gate.h"
#include "certs/expiry_watch.h"
#include "certs/hooks.h"
#include "certs/issuer.h"
#include "certs/record.h"

namespace gatehouse::certs {

// On control's loop. No call waits for anything.
class CertificateEvents {
 public:
  // All outlive it.
  struct Parts {
    base::Gate& tasks;
    const HostRules& rules;
    ToldOnce& told;
    ExpiryWatch& expiry;
    Hooks& hooks;
    WallClock now;
  };

  explicit CertificateEvents(Parts parts) : parts_(std::move(parts)) {}
  CertificateEvents(const CertificateEvents&) = delete;
  CertificateEvents& operator=(const CertificateEvents&) = delete;

  // An order gave `record`; `before`: what there was.
  void obtained(const Record& record, const std::optional<Record>& before);
  // An order for `names` came to nothing. `why` is what the last issuer said, if `error` is its.
  void failed(std::vector<std::string> names, const std::optional<Record>& before,
              const Failures& failures, const base::Error& error, const IssueError& why);
  // The certificate is looked after from now on: see ExpiryWatch.
  void watch(const Record& record) { parts_.expiry.watch(record); }
  // A certificate from files is at a stage of expiry_stage(). However often that is said, it is
  // told once.
  void expiring(const tls::CertificateRef& certificate, int stage);
  // It was found out, rather than done by us, that a certificate was revoked, or its key
  // compromised. `issuer`: empty when it is from files. Told once.
  void found_revoked(const tls::CertificateRef& certificate, std::string issuer,
                     std::string reason);

 private:
  base::Task<void> tell_once(CertificateEvent event, int stage);
  Source source_of(const std::string& name) const;

  Parts parts_;
};

}  // namespace gatehouse::certs
