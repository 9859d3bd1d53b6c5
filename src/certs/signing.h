// Signs X.509 certificates for the internal CA (RFC 5280).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "tls/certificate.h"
#include "tls/key.h"

namespace gatehouse::certs {

enum class Role : std::uint8_t { kRoot, kIntermediate, kLeaf };

// What a certificate shall say.
struct CertificateRequest {
  Role role = Role::kLeaf;
  std::string common_name;         // subject of an authority; leaves have none
  std::vector<std::string> names;  // subjectAltName of a leaf: DNS names or IP literals
  base::WallTime not_before{};
  base::WallTime not_after{};
};

// PEM of a certificate for `key`, signed by `authority` (by `key` itself when null: a root), with
// a random serial of 127 bits. Signs, so it belongs on a BlockingPool. Error: kInternal when
// memory or the random source fails, or a name fits no certificate.
base::Result<std::string> sign_certificate(const CertificateRequest& request,
                                           const tls::PrivateKey& key,
                                           const tls::Certificate* authority);

}  // namespace gatehouse::certs
