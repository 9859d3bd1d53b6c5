// What an ACME CA is called in storage.
#pragma once

#include <string>
#include <string_view>

namespace gatehouse::certs {

// "acme-v02.api.letsencrypt.org-directory" of "https://acme-v02.api.letsencrypt.org/directory":
// one segment of [a-z0-9.-], at most 128 bytes.
std::string issuer_id_of(std::string_view directory_url);

}  // namespace gatehouse::certs
