// What happened to a certificate, as hooks are told of it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/program.h"
#include "certs/host_rules.h"
#include "config/hooks.h"
#include "tls/certificate.h"

namespace gatehouse::certs {

struct CertificateEvent {
  config::HookEvent kind = config::HookEvent::kObtained;
  std::string id;  // this event's own, however often it is told: receivers drop what they had
  base::WallTime at{};
  std::vector<std::string> names;  // what was ordered; of files: what is in the certificate
  Source source = Source::kNone;
  std::string issuer;  // Issuer::id(); of kFailed all that were to be asked; empty: from files
  // The new one; of kFailed what is there still, or null.
  tls::CertificateRef certificate;

  std::string replaces;  // kRenewed: the serial of the one before
  std::string reason;    // kRevoked: why (RFC 5280 5.3.1)
  std::string stage;     // kExpiring: "30d", "7d", "1d", "tenth" (of its life is left), "expired"

  // kFailed:
  unsigned failures = 0;  // in a row
  std::string error;
  std::string error_kind;  // the CA's token (RFC 8555 6.7), or a name of base::Code
  std::string advice;      // may be empty
  base::WallTime next_attempt{};

  CertificateEvent() = default;
  // With an id, now.
  CertificateEvent(config::HookEvent k, base::WallTime now);

  // Whether there is something new that a program may have to be given.
  bool is_new() const {
    return kind == config::HookEvent::kObtained || kind == config::HookEvent::kRenewed;
  }
};

// The document that programs and webhooks get (docs/hooks.md); no secret is in it.
std::string to_json(const CertificateEvent& event);
// What a program gets: the document, and for a new certificate its chain and key. Secret.
base::ProgramInput to_input(const CertificateEvent& event);

}  // namespace gatehouse::certs
