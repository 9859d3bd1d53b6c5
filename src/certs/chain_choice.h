// Which of the chains that a CA offers for one certificate is served (RFC 8555 7.4.2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "tls/certificate.h"

namespace gatehouse::certs {

// The common name (or organisation) of the issuer of a chain's last certificate: of the root that
// clients have, in general. Empty when it says none.
std::string top_issuer(const tls::Certificate& chain);

// Of `chains`, the CA's own choice first: for "smallest", the one with the fewest certificates, and
// of those the fewest bytes; else the first whose top_issuer() is `preferred`. Null: none is.
tls::CertificateRef choose_chain(const std::vector<tls::CertificateRef>& chains,
                                 std::string_view preferred);

}  // namespace gatehouse::certs
