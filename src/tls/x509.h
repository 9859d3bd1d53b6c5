// X.509 (RFC 5280) as far as a server needs it: reading what a certificate says, and making the
// answers to TLS-ALPN-01.
#pragma once

#include <openssl/x509v3.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "tls/certificate.h"
#include "tls/key.h"

namespace gatehouse::tls {

// Reads a DER certificate. Error: kMalformed, naming the field.
base::Result<LeafFacts> read_facts(std::string_view der);
// The SubjectPublicKeyInfo of a DER certificate. Error: kMalformed.
base::Result<std::string> public_key_of(std::string_view der);

// A subjectAltName of DNS names and IP addresses (RFC 5280 4.2.1.6); null when a name fits neither.
bssl::UniquePtr<GENERAL_NAMES> subject_alt_names(const std::vector<std::string>& names);

// The answer to TLS-ALPN-01 (RFC 8737 3, RFC 8738): self-signed by `key`, exactly one SAN (`name`,
// lower case, or an IP address), and the critical acmeIdentifier with SHA-256(key_authorization).
// Signs, so it belongs on a BlockingPool. Errors: kMalformed for a name that no SAN can hold,
// kInternal.
base::Result<CertificateRef> challenge_certificate(std::string_view name,
                                                   std::string_view key_authorization,
                                                   const PrivateKey& key);

}  // namespace gatehouse::tls
