// Who has signed an OCSP response (RFC 6960 4.2.2.2): the CA itself, or a responder to which it
// gave a certificate for that. For ocsp_request and ocsp_response alone.
#pragma once

#include <openssl/bytestring.h>
#include <openssl/x509.h>

#include <string>
#include <string_view>

#include "base/clock.h"
#include "base/error.h"

namespace gatehouse::tls {

inline constexpr std::uint8_t kSha1Oid[] = {0x2b, 0x0e, 0x03, 0x02, 0x1a};

// The parts of a BasicOCSPResponse that are about its signature, as views into the DER.
struct OcspSignature {
  CBS signed_data;   // ResponseData, with its head
  CBS responder;     // ResponderID
  CBS algorithm;     // what AlgorithmIdentifier holds
  CBS value;         // without the count of unused bits
  CBS certificates;  // what `certs` holds; empty when it is left out
};

// Until when the signer's own certificate allows the response: the end of that of a delegated
// responder, or never. `issuer`: the CA's certificate, DER. Error: kDenied, saying why not.
base::Result<base::WallTime> check_ocsp_signature(const OcspSignature& signature,
                                                  std::string_view issuer, base::WallTime now);

// 20 bytes.
std::string sha1(std::string_view bytes);
// SHA-1 of the public key without its algorithm (KeyHash, RFC 6960 4.2.1).
std::string key_hash(X509* certificate);

}  // namespace gatehouse::tls
