// Asking a CA's OCSP responder about one certificate (RFC 6960 4.1, in the profile of RFC 5019).
#pragma once

#include <openssl/base.h>

#include <span>
#include <string>
#include <string_view>

#include "base/error.h"

namespace gatehouse::tls {

// Which certificate is meant, and who may say something of it.
struct OcspQuestion {
  // CertID (RFC 6960 4.1.1) with SHA-1, as responders are asked (RFC 5019 2.1.1).
  std::string issuer_name_hash;
  std::string issuer_key_hash;
  std::string serial;  // INTEGER, DER
  std::string issuer;  // the issuer's certificate, DER
};

// Finds the issuer of the leaf in its chain, DER blocks with the leaf first. Verifies a signature,
// so it belongs on a BlockingPool. Error: kNotFound when no certificate of the chain has signed the
// leaf.
base::Result<OcspQuestion> ocsp_question(std::span<const bssl::UniquePtr<CRYPTO_BUFFER>> chain);

// DER of an OCSPRequest: one certificate, no nonce, no signature.
std::string ocsp_request(const OcspQuestion& question);

// Where a responder is asked by GET (RFC 6960 A.1).
std::string ocsp_url(std::string_view responder, std::string_view request);

}  // namespace gatehouse::tls
